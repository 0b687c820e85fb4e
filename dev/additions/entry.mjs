// What the Hub is called for: routes, jobs, queues and messages.

import { below, copied, missingRoutes, notCovered, replaced, variant } from './edits.mjs';

const HANDLE = 'src/entry/handle_request.rs';
const ROUTES = 'src/entry/routes.rs';
const QUEUE = `    Queue {
        name: "hub-added",
        binding: None,
        dead_letters_to: None,
        max_batch_size: 1,
        max_batch_timeout_s: 1,
        max_retries: 1,
        consumer: QueueConsumer::Added,
    },`;
const consumer = (place, suffix) =>
  `[[${place}queues.consumers]]\nqueue = "hub-added${suffix}"\nmax_batch_size = 1\nmax_batch_timeout = 1\nmax_retries = 1\n\n`;

export const ENTRY = [
  {
    kind: 'an API route',
    row: [
      variant(ROUTES, 'ApiEndpoint', '    /// Added.\n    Added,'),
      copied(ROUTES, /^ *api\("\/rest\/v1\/", .*$/, { '/rest/v1/': '/rest/added', Description: 'Added' }),
    ],
    obstacles: [
      {
        pattern: notCovered('ApiEndpoint::Added'),
        then: [
          copied(HANDLE, /^ *ApiEndpoint::Description => .*$/, { Description: 'Added' }),
          replaced(HANDLE, /ApiEndpoint::Description \|/, 'ApiEndpoint::Added | ApiEndpoint::Description |'),
        ],
      },
      missingRoutes(/\/rest\/added/),
    ],
  },
  {
    kind: 'a public page or file',
    row: [
      variant(ROUTES, 'PublicEndpoint', '    /// Added.\n    Added,'),
      copied(ROUTES, /^ *public\("\/robots.txt", .*$/, { robots: 'added', Robots: 'Added' }),
    ],
    obstacles: [
      {
        pattern: notCovered('PublicEndpoint::Added'),
        then: [copied(HANDLE, /^ *PublicEndpoint::Robots => .*$/, { Robots: 'Added' })],
      },
      missingRoutes(/\/added.txt/),
    ],
  },
  {
    kind: 'a page of a signed-in user',
    row: [
      variant(ROUTES, 'PageEndpoint', '    /// Added.\n    Added,'),
      copied(ROUTES, /^ *page\("\/account", .*$/, { account: 'added-page', Account: 'Added' }),
    ],
    obstacles: [
      {
        pattern: notCovered('PageEndpoint::Added'),
        then: [copied('src/entry/page_request.rs', /^ *PageEndpoint::Account => .*$/, { Account: 'Added' })],
      },
      missingRoutes(/\/added-page/),
    ],
  },
  {
    kind: 'a job',
    row: [
      variant('src/entry/jobs.rs', 'JobKind', '    /// Added.\n    Added,'),
      below(
        'src/entry/jobs.rs',
        /^pub const JOBS: .*\[$/,
        '    Job { name: "added", cron: "7 7 * * *", kind: JobKind::Added },',
      ),
    ],
    obstacles: [
      {
        pattern: /\[triggers\] lacks 7 7 \* \* \*, which JOBS has/,
        then: [replaced('wrangler.toml', /^crons = \[/, 'crons = ["7 7 * * *", ')],
      },
      {
        pattern: notCovered('JobKind::Added'),
        then: [copied('src/entry/scheduled.rs', /^ *JobKind::IntegrityChecks => .*$/, { IntegrityChecks: 'Added' })],
      },
    ],
  },
  {
    kind: 'a queue',
    row: [
      variant('src/entry/queues.rs', 'QueueConsumer', '    /// Added.\n    Added,'),
      below('src/entry/queues.rs', /^pub const QUEUES: .*\[$/, QUEUE),
    ],
    obstacles: [
      {
        pattern: /\[\[env.preview.queues.consumers\]\] lacks hub-added-preview 1 1 1 - of QUEUES/,
        then: [
          replaced('wrangler.toml', /^\[env\.preview\]$/, (text) => `${consumer('', '')}${text}`),
          replaced(
            'wrangler.toml',
            /^\[env\.preview\.secrets\]$/,
            (text) => `${consumer('env.preview.', '-preview')}${text}`,
          ),
        ],
      },
      {
        pattern: notCovered('QueueConsumer::Added'),
        then: [copied('src/entry/queue_consumer.rs', /^ *QueueConsumer::RequestLog => .*$/, { RequestLog: 'Added' })],
      },
    ],
  },
  {
    kind: 'a webhook sender',
    row: [
      variant(ROUTES, 'WebhookEndpoint', '    /// Added.\n    Added,'),
      copied(ROUTES, /^ *webhook\("\/webhooks\/clerk", .*$/, { clerk: 'added', Clerk: 'Added' }),
    ],
    obstacles: [
      {
        pattern: notCovered('WebhookEndpoint::Added'),
        then: [replaced(HANDLE, /WebhookEndpoint::Clerk => /, 'WebhookEndpoint::Added | WebhookEndpoint::Clerk => ')],
      },
      missingRoutes(/\/webhooks\/added/),
    ],
  },
  {
    kind: 'a message type of Clerk',
    row: [copied('src/domain/clerk_webhooks.rs', /^ *on\("session.ended", .*$/, { 'session.ended': 'session.added' })],
    obstacles: [
      { test: 'webhooks::effective_events_match_golden_list_i_2', pattern: /session.added/ },
      {
        test: 'deployment_document_lists_every_clerk_message',
        pattern: /session.added/,
        then: [replaced('docs/deployment.md', /`session.ended`,/, '`session.added`, `session.ended`,')],
      },
    ],
  },
];
