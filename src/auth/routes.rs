//! Accounts over HTTP.

use super::accounts::Accounts;
use super::address::ClientAddress;
use super::admission::Admission;
use super::body::Fields;
use super::error::AccountError;
use crate::problem::Problem;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use serde::Serialize;
use std::time::Duration;
use tidings_protocol::{ErrorCode, Timestamp};
use uuid::Uuid;

/// About as long as a few waiting passwords take.
const BUSY_RETRY_MS: u64 = 2_000;
const UNAVAILABLE_RETRY_MS: u64 = 1_000;

/// The answer to whoever is admitted.
#[derive(Serialize)]
struct Admitted {
    user: Uuid,
    token: String,
    expires_at: Timestamp,
    refresh_token: String,
}

impl Accounts {
    /// `POST /auth/register`, `/auth/login`, `/auth/refresh` and `/auth/logout`. The server must give requests their
    /// [`axum::extract::ConnectInfo`].
    pub fn routes(&self) -> Router {
        Router::new()
            .route("/auth/register", only(post(register)))
            .route("/auth/login", only(post(login)))
            .route("/auth/refresh", only(post(refresh)))
            .route("/auth/logout", only(post(logout)))
            .with_state(self.clone())
    }
}

async fn register(
    State(accounts): State<Accounts>,
    ClientAddress(from): ClientAddress,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let (username, password) = (fields.text("username")?, fields.text("password")?);
    let display_name = fields.optional_text("display_name")?;
    let outcome = accounts
        .register(&username, password, display_name.as_deref(), from)
        .await;
    answer("register", StatusCode::CREATED, outcome)
}

async fn login(
    State(accounts): State<Accounts>,
    ClientAddress(from): ClientAddress,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let (username, password) = (fields.text("username")?, fields.text("password")?);
    answer(
        "login",
        StatusCode::OK,
        accounts.login(&username, password, from).await,
    )
}

async fn refresh(
    State(accounts): State<Accounts>,
    ClientAddress(from): ClientAddress,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let refresh_token = fields.text("refresh_token")?;
    answer(
        "refresh",
        StatusCode::OK,
        accounts.refresh(&refresh_token, from).await,
    )
}

async fn logout(
    State(accounts): State<Accounts>,
    ClientAddress(from): ClientAddress,
    mut fields: Fields,
) -> Result<StatusCode, Problem> {
    let refresh_token = fields.text("refresh_token")?;
    let outcome = accounts.logout(&refresh_token, from).await;
    count("logout", outcome.as_ref().err());
    outcome.map(|()| StatusCode::NO_CONTENT).map_err(Problem::from)
}

fn answer(
    call: &'static str,
    status: StatusCode,
    outcome: Result<Admission, AccountError>,
) -> Result<Response, Problem> {
    count(call, outcome.as_ref().err());
    let admission = outcome?;
    let admitted = Admitted {
        user: admission.user,
        token: admission.token,
        expires_at: admission.expires_at.into(),
        refresh_token: admission.refresh_token,
    };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((status, no_store, Json(admitted)).into_response())
}

fn count(call: &'static str, error: Option<&AccountError>) {
    let outcome = error.map_or("ok", |error| error.code().as_str());
    metrics::counter!("tidings_auth_requests_total", "call" => call, "outcome" => outcome).increment(1);
    if let Some(AccountError::Unavailable(reason)) = error {
        tracing::warn!(call, reason, "accounts are unavailable");
    }
}

fn only(route: MethodRouter<Accounts>) -> MethodRouter<Accounts> {
    route.fallback(async || {
        let problem =
            Problem::invalid("method", "this is called with POST").status(StatusCode::METHOD_NOT_ALLOWED);
        ([(header::ALLOW, "POST")], problem)
    })
}

impl AccountError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Broken(_) => ErrorCode::InvalidArgument,
            Self::Taken => ErrorCode::Conflict,
            Self::Wrong | Self::BadRefreshToken => ErrorCode::Unauthenticated,
            Self::Suspended => ErrorCode::Forbidden,
            Self::TooMany { .. } => ErrorCode::RateLimited,
            Self::Busy => ErrorCode::Overloaded,
            Self::Unavailable(_) => ErrorCode::Unavailable,
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let code = error.code();
        match error {
            AccountError::Broken(broken) => Problem::invalid(broken.field, broken.rule),
            AccountError::TooMany { wait } => {
                Problem::new(code, "too many attempts; try again later").retry_after_ms(millis_up(wait))
            }
            AccountError::Busy => Problem::new(code, error.to_string()).retry_after_ms(BUSY_RETRY_MS),
            AccountError::Unavailable(_) => Problem::unavailable("accounts cannot be checked just now")
                .retry_after_ms(UNAVAILABLE_RETRY_MS),
            AccountError::Taken => Problem::invalid("username", error.to_string()).with_code(code),
            AccountError::Wrong | AccountError::BadRefreshToken | AccountError::Suspended => {
                Problem::new(code, error.to_string())
            }
        }
    }
}

/// Whole milliseconds, rounded up, so that whoever waits them out is not too early.
fn millis_up(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}
