//! Attachments: files that people store, and that messages show.
//!
//! The bytes are in a store, under their checksum; that somebody has stored them is an event on that user's stream, and a message that
//! shows them says so in its content. Who may see a file is asked of the read models each time. What no message shows after a day is
//! removed, and held for those who look at reports.

mod checksum;
mod clean_up;
mod config;
mod download;
mod evidence;
mod intake;
mod links;
mod places;
mod problems;
mod query;
mod range;
mod refusals;
mod resumable;
mod room;
mod scan;
mod sniff;
mod store;
mod storing;
mod tables;
mod thumbnail;
mod tries;
mod tus;
mod upload;

pub use config::{AttachmentConfig, S3Config, Scan};
pub use links::{Link, Links, Opens};
pub use thumbnail::UNREADABLE;

use crate::accounts::{Authenticator, Principal};
use crate::clock;
use crate::lanes::Lanes;
use crate::lifecycle::Lifecycle;
use crate::problem::Problem;
use crate::rates::{Allowance, ByRole, Class, Rate, Rates, Subject};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::middleware::map_response;
use axum::routing::{any, get, post};
use places::Places;
use scan::Scanner;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tables::Tables;
use thumbnail::Thumbnailer;
use tidings_eventlog::Log;
use tidings_graphql::http::bearer;
use tidings_projections::Checkpoints;
use tokio::sync::oneshot;
use uuid::Uuid;

/// What attachments stand on.
pub struct Foundation {
    pub authenticator: Authenticator,
    pub checkpoints: Checkpoints,
    pub config: AttachmentConfig,
    pub lanes: Lanes,
    pub lifecycle: Lifecycle,
    pub links: Links,
    /// For the read models.
    pub log: Log,
    /// The log's own id.
    pub log_id: Uuid,
    pub rates: Rates,
    /// How long it is waited for read models that are behind.
    pub wait: Duration,
}

/// What the requests share.
struct Shared {
    authenticator: Authenticator,
    config: Arc<AttachmentConfig>,
    lanes: Lanes,
    lifecycle: Lifecycle,
    links: Links,
    log_id: Uuid,
    /// How often users begin uploads.
    pace: ByRole<Rate>,
    uploads: Places,
    downloads: Places,
    scanner: Scanner,
    store: Store,
    tables: Tables,
    thumbnailer: Thumbnailer,
}

/// The routes of attachments. What no message shows is removed from here on, until the node stops.
pub fn routes(ground: Foundation) -> Router {
    // For those who speak to scanners and buckets. Another part of the process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Arc::new(ground.config);
    let pace = Allowance::per_minute(config.uploads_per_minute, config.uploads_burst);
    let paces = ground.rates.allowances(Class::Upload, pace);
    let shared = Arc::new(Shared {
        authenticator: ground.authenticator,
        lanes: ground.lanes,
        lifecycle: ground.lifecycle,
        links: ground.links,
        log_id: ground.log_id,
        pace: ground.rates.of_users(Class::Upload, &paces),
        uploads: Places::new(config.uploads, config.uploads_per_user),
        downloads: Places::new(config.downloads, config.downloads_per_user),
        scanner: Scanner::new(&config),
        store: Store::new(Arc::clone(&config), ground.log_id),
        tables: Tables::new(&ground.log, ground.checkpoints, ground.wait),
        thumbnailer: Thumbnailer::new(&config),
        config,
    });
    let stop = shared.lifecycle.stopping();
    let clean_up = clean_up::run(Arc::clone(&shared));
    shared.lifecycle.spawn_for_life("attachments", async move {
        stop.run_until_cancelled(clean_up).await;
    });
    let shown: Router<Arc<Shared>> = Router::new()
        .route("/attachments/{id}", get(download::download))
        .route("/attachments/{id}/thumbnail", get(thumbnail::show))
        .layer(map_response(download::for_viewer));
    Router::new()
        .route("/attachments", post(upload::upload))
        .route("/attachments/tus", any(resumable::collection))
        .route("/attachments/tus/{id}", any(resumable::one))
        .merge(shown)
        // Each body has a limit of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

impl Shared {
    /// Who sends a request.
    async fn bearer(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        let token = bearer(headers).ok().flatten();
        let token = token.ok_or_else(|| Problem::unauthenticated("a valid token is needed"))?;
        let verified = self.authenticator.verify(token, clock::now()).await;
        verified.map_err(problems::token)
    }

    /// Refuses an upload where its user has begun many.
    fn paced(&self, principal: &Principal) -> Result<(), Problem> {
        let pace = self.pace.of(&principal.roles);
        pace.take(Subject::User(principal.user)).map_err(|wait| {
            let wait_ms = wait.as_millis() as u64 + 1;
            problems::too_many("you store files too fast").retry_after_ms(wait_ms)
        })
    }

    /// Does something to its end, also when whoever asked for it hangs up. The node waits for it before it stops.
    async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let (sender, receiver) = oneshot::channel();
        self.lifecycle.spawn_connection(async move {
            // Whoever asked may be gone.
            let _ = sender.send(work.await);
        });
        receiver.await.unwrap_or_else(|_| Err(problems::away()))
    }
}
