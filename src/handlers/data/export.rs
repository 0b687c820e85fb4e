//! An export (L-1, A-2): the first page is read before the head of the response is sent, the others in the background,
//! each with its own token and at most one of them in memory.

use super::{Passed, answered};
use crate::{
    domain::session::{Actor, Session},
    logic::{
        fault::Fault,
        postgrest::{Export, Format, Page},
        reply::Reply,
    },
    platform::{Answer, Outgoing, Platform, ReadFailure, hub::Hub},
};
use std::rc::Rc;

/// The outcome of an export.
#[derive(Debug)]
pub struct Told {
    /// Number of records.
    pub records: u64,
    /// The reason why it was aborted.
    pub fault: Option<Fault>,
}

/// State shared by the pages of one export.
struct Pages<P: Platform> {
    hub: Rc<Hub<P>>,
    platform: P,
    session: Session,
    export: Export,
    format: Format,
    /// The request of each page, without its query and token.
    question: Outgoing,
    /// Maximum number of records of a page; reduced after a page that was too long.
    size: u64,
}

/// Requests the first page; the others wait until the request row is written.
///
/// # Errors
/// The fault of the database for the first page.
pub(super) async fn begin<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    session: &Session,
    (export, format): (&Export, Format),
    question: Outgoing,
) -> Result<Passed<P::Body>, Fault> {
    let mut pages = Pages {
        hub: Rc::clone(hub),
        platform: platform.clone(),
        session: session.clone(),
        export: export.clone(),
        format,
        question,
        size: PAGE,
    };
    let asked_at = platform.now_ms();
    let first = pages.page(None, 0).await?;
    let upstream_ms = platform.now_ms().saturating_sub(asked_at);
    let (body, sink) = platform.relay().map_err(|_| Fault::Platform)?;
    let disposition = format!("attachment; filename=\"{}.{}\"", export.table(), format.ending());
    Ok(Passed {
        reply: Ok(Reply::stream(200, Some(body))
            .with("content-type", format.media())
            .with("content-disposition", disposition)),
        written: false,
        upstream_ms,
        row_count: None,
        look: None,
        rest: Some(Box::pin(async move {
            let platform = pages.platform.clone();
            let told = pages.rest(first, &sink).await;
            platform.end(sink, told.fault.is_none()).await;
            told
        })),
    })
}

impl<P: Platform> Pages<P> {
    /// Writes all pages, until the client stops reading.
    async fn rest(&mut self, first: Page, sink: &P::Sink) -> Told {
        let (mut page, mut records) = (first, 0);
        loop {
            // PostgREST may return fewer rows than requested (`db-max-rows`), so only an empty page is the last one.
            let last = page.last;
            records += page.records;
            if self.platform.write(sink, page.text).await.is_err() {
                return Told { records, fault: Some(Fault::BodyBroken) };
            }
            let (Some(last), true) = (last, self.export.next(self.size, records) > 0) else {
                return Told { records, fault: None };
            };
            page = match self.page(Some(&last), records).await {
                Ok(next) => next,
                Err(fault) => return Told { records, fault: Some(fault) },
            };
        }
    }

    /// Reads one page completely, so that a slow client does not hold a connection to the database.
    async fn page(&mut self, behind: Option<&str>, out: u64) -> Result<Page, Fault> {
        loop {
            let token = self.hub.mint(&self.platform, &Actor::Person(&self.session)).await?;
            let size = self.export.next(self.size, out);
            let mut question = self.question.clone();
            question.url = format!("{}/{}", self.hub.config.rest_url, self.export.page(behind, size));
            question.headers.retain(|(name, _)| *name != "authorization");
            question.headers.push(("authorization", format!("Bearer {token}")));
            let Answer { body, .. } = answered(&self.hub, &self.platform, &self.session, question).await?;
            let body = body.ok_or(Fault::UpstreamBroken("a page without a body"))?;
            match self.platform.read(body, LONGEST_PAGE).await {
                Ok(bytes) => {
                    // The size grows again, so that one long record does not make every following page small.
                    if bytes.len() < LONGEST_PAGE / 4 {
                        self.size = (self.size * 2).min(PAGE);
                    }
                    let page = self.export.cut(self.format, bytes, behind.is_none());
                    return page.map_err(|_| Fault::UpstreamBroken("a page that is not whole"));
                }
                // Never 0: the response to a page of no records would look like the end of the file.
                Err(ReadFailure::TooLarge) if size > 1 => self.size = (size / 4).max(1),
                Err(ReadFailure::TooLarge) => return Err(Fault::UpstreamBroken("a record longer than a page")),
                Err(ReadFailure::Broken) => return Err(Fault::UpstreamBroken("a page broke off")),
            }
        }
    }
}

/// Maximum records of a page, the row limit of a Supabase project. A Worker may send 10,000 subrequests per request.
const PAGE: u64 = 1_000;
const LONGEST_PAGE: usize = 24 * 1024 * 1024;
