//! An export (L-1, A-2): the first page is read before the head of the response is sent, the others in the background,
//! each with its own token and at most one of them in memory.

use super::{ProxyResponse, send_upstream};
use crate::{
    domain::session::{Actor, Session},
    logic::{
        error::{Error, UpstreamProtocolError},
        http::response::Response,
        query::{Export, ExportPage, Format, PagePosition},
    },
    runtime::{BodyEnd, BodyReadError, BodyWriter, RuntimePort as _, UpstreamRequest, UpstreamResponse},
    services::{
        app_state::AppState,
        database_client::map_read_error,
        request_context::{ExportSummary, RequestContext},
    },
};
use std::rc::Rc;

/// State shared by the pages of one export.
struct ExportPager {
    app: Rc<AppState>,
    context: RequestContext,
    session: Session,
    export: Export,
    format: Format,
    /// The request of each page, without its query and token.
    request: UpstreamRequest,
    /// Maximum number of records of a page; reduced after a page that was too long.
    page_size: u64,
}

/// An export, and the request of each page without its query and token.
pub(super) struct ExportRequest<'a> {
    pub(super) export: &'a Export,
    pub(super) format: Format,
    pub(super) request: UpstreamRequest,
}

/// Requests the first page; the others wait until the request row is written.
///
/// # Errors
/// The error of the database for the first page.
pub(super) async fn start(
    app: &Rc<AppState>,
    context: &RequestContext,
    session: &Session,
    ExportRequest { export, format, request }: ExportRequest<'_>,
) -> Result<ProxyResponse, Error> {
    let mut pages = ExportPager {
        app: Rc::clone(app),
        context: context.background(),
        session: session.clone(),
        export: export.clone(),
        format,
        request,
        page_size: PAGE_ROWS,
    };
    let requested_at = context.runtime.now_ms();
    let first = pages.fetch_page(None, 0).await?;
    let upstream_ms = context.runtime.now_ms().saturating_sub(requested_at);
    let (body, sink) = context.runtime.body_channel().map_err(|_| Error::RuntimeFailed)?;
    let disposition = format!("attachment; filename=\"{}.{}\"", export.table(), format.file_extension());
    Ok(ProxyResponse {
        response: Ok(Response::stream(200, Some(body))
            .with_header("content-type", format.content_type())
            .with_header("content-disposition", disposition)),
        recorded_in_transaction: false,
        upstream_ms,
        row_count: None,
        read_record: None,
        pending_export: Some(Box::pin(async move {
            let runtime = pages.context.runtime.clone();
            let summary = pages.stream_remaining_pages(first, &sink).await;
            let end = if summary.error.is_none() { BodyEnd::Complete } else { BodyEnd::Aborted };
            runtime.finish(sink, end).await;
            summary
        })),
    })
}

impl ExportPager {
    /// Writes all pages, until the client stops reading.
    async fn stream_remaining_pages(&mut self, first: ExportPage, sink: &BodyWriter) -> ExportSummary {
        let (mut page, mut records) = (first, 0);
        loop {
            // PostgREST may return fewer rows than requested (`db-max-rows`), so only an empty page is the last one.
            let last = page.last;
            records += page.records;
            if self.context.runtime.write(sink, page.text).await.is_err() {
                return ExportSummary { row_count: records, error: Some(Error::BodyInterrupted) };
            }
            let (Some(last), true) = (last, self.export.next_page_size(self.page_size, records) > 0) else {
                return ExportSummary { row_count: records, error: None };
            };
            page = match self.fetch_page(Some(&last), records).await {
                Ok(next) => next,
                Err(fault) => return ExportSummary { row_count: records, error: Some(fault) },
            };
        }
    }

    /// Reads one page completely, so that a slow client does not hold a connection to the database.
    async fn fetch_page(&mut self, behind: Option<&str>, out: u64) -> Result<ExportPage, Error> {
        loop {
            let token = self.app.database.token(&self.context, &Actor::User(&self.session)).await?;
            let size = self.export.next_page_size(self.page_size, out);
            let url = format!("{}/{}", self.app.config.postgrest_url, self.export.page_query(behind, size));
            let builder = self.request.clone().with_url(url).with_bearer(&token);
            let UpstreamResponse { body, .. } = send_upstream(&self.app, &self.context, &self.session, builder).await?;
            let body = body.ok_or(Error::UpstreamInvalidResponse(UpstreamProtocolError::PageWithoutBody))?;
            match self.context.runtime.read(body, MAX_PAGE_BYTES).await {
                Ok(bytes) => {
                    // The size grows again, so that one long record does not make every following page small.
                    if bytes.len() < MAX_PAGE_BYTES / 4 {
                        self.page_size = (self.page_size * 2).min(PAGE_ROWS);
                    }
                    let position = if behind.is_none() { PagePosition::First } else { PagePosition::Later };
                    let page = self.export.parse_page(self.format, bytes, position);
                    return page.map_err(|_| Error::UpstreamInvalidResponse(UpstreamProtocolError::MalformedPage));
                }
                // Never 0: the response to a page of no records would be taken for the end of the file.
                Err(BodyReadError::TooLarge) if size > 1 => self.page_size = (size / 4).max(1),
                Err(failure) => return Err(map_read_error(failure)),
            }
        }
    }
}

/// Maximum records of a page, the row limit of a Supabase project. A Worker may send 10,000 subrequests per request.
const PAGE_ROWS: u64 = 1_000;
const MAX_PAGE_BYTES: usize = 24 * 1024 * 1024;
