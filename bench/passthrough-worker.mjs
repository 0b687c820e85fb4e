// The baseline: the cost of forwarding a request without any checks.

export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const headers = {
      authorization: `Bearer ${env.DATABASE_TOKEN}`,
      'content-type': 'application/json',
      'accept-profile': 'hub',
      'content-profile': 'hub',
      'x-request-id': request.headers.get('x-request-id') ?? '',
    };
    return fetch(env.REST_URL + pathname.slice('/rest/v1'.length) + search, {
      method: request.method,
      headers,
      body: request.body,
    });
  },
};
