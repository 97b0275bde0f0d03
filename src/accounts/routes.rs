//! Accounts over HTTP.

use super::address::{ClientAddress, device};
use super::admission::{Admission, Caller};
use super::bearer::Bearer;
use super::body::Fields;
use super::error::AccountError;
use super::service::Accounts;
use crate::problem::Problem;
use axum::extract::{FromRequest as _, FromRequestParts as _, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
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

/// A session, as its user sees it.
#[derive(Serialize)]
struct Listed {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    address: String,
    created_at: Timestamp,
    last_used_at: Timestamp,
    current: bool,
}

impl Accounts {
    /// `POST /auth/register`, `/auth/login`, `/auth/refresh`, `/auth/password`, `/auth/delete` and `/auth/logout`; `GET /auth/sessions`
    /// and `DELETE /auth/sessions/{id}`. The server must give requests their [`axum::extract::ConnectInfo`].
    pub fn routes(&self) -> Router {
        Router::new()
            .route("/auth/register", only("POST", post(register)))
            .route("/auth/login", only("POST", post(login)))
            .route("/auth/refresh", only("POST", post(refresh)))
            .route("/auth/password", only("POST", post(password)))
            .route("/auth/delete", only("POST", post(delete_account)))
            .route("/auth/logout", only("POST", post(logout)))
            .route("/auth/sessions", only("GET, HEAD", get(sessions)))
            .route("/auth/sessions/{id}", only("DELETE", delete(end_session)))
            .with_state(self.clone())
    }
}

async fn register(
    State(accounts): State<Accounts>,
    caller: Caller,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let (username, password) = (fields.text("username")?, fields.text("password")?);
    let display_name = fields.optional_text("display_name")?;
    let caller = named(caller, &mut fields)?;
    let outcome = accounts
        .register(&username, password, display_name.as_deref(), caller)
        .await;
    answer("register", StatusCode::CREATED, outcome)
}

async fn login(
    State(accounts): State<Accounts>,
    caller: Caller,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let (username, password) = (fields.text("username")?, fields.text("password")?);
    let caller = named(caller, &mut fields)?;
    answer(
        "login",
        StatusCode::OK,
        accounts.login(&username, password, caller).await,
    )
}

async fn refresh(
    State(accounts): State<Accounts>,
    caller: Caller,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let refresh_token = fields.text("refresh_token")?;
    answer(
        "refresh",
        StatusCode::OK,
        accounts.refresh(&refresh_token, caller).await,
    )
}

async fn password(
    State(accounts): State<Accounts>,
    Bearer(principal): Bearer,
    caller: Caller,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let (password, new) = (fields.text("password")?, fields.text("new_password")?);
    let outcome = accounts
        .change_password(&principal, &password, &new, caller)
        .await;
    answer("password", StatusCode::OK, outcome)
}

async fn delete_account(
    State(accounts): State<Accounts>,
    Bearer(principal): Bearer,
    caller: Caller,
    mut fields: Fields,
) -> Result<StatusCode, Problem> {
    let password = fields.text("password")?;
    let outcome = accounts.delete_own(&principal, &password, caller).await;
    count("delete", outcome.as_ref().err());
    outcome.map(|()| StatusCode::NO_CONTENT).map_err(Problem::from)
}

/// Ends the session of the token, or that of a refresh token for clients whose token has expired.
async fn logout(
    State(accounts): State<Accounts>,
    ClientAddress(from): ClientAddress,
    request: Request,
) -> Result<StatusCode, Problem> {
    let outcome = if request.headers().contains_key(header::AUTHORIZATION) {
        let (mut parts, _) = request.into_parts();
        let Bearer(principal) = Bearer::from_request_parts(&mut parts, &accounts).await?;
        match principal.session {
            Some(session) => accounts.end_session(principal.user, session).await.map(|_| ()),
            // The sessions of outside issuers are theirs to end.
            None => Ok(()),
        }
    } else {
        let mut fields = Fields::from_request(request, &accounts).await?;
        accounts.logout(&fields.text("refresh_token")?, from).await
    };
    count("logout", outcome.as_ref().err());
    outcome.map(|()| StatusCode::NO_CONTENT).map_err(Problem::from)
}

async fn sessions(State(accounts): State<Accounts>, Bearer(principal): Bearer) -> Result<Response, Problem> {
    let outcome = accounts.sessions(principal.user).await;
    count("sessions", outcome.as_ref().err());
    let listed: Vec<_> = outcome?
        .into_iter()
        .map(|session| Listed {
            id: session.id,
            device: session.device,
            address: session.address.unwrap_or_default(),
            created_at: session.created_at.into(),
            last_used_at: session.last_used_at.into(),
            current: principal.session == Some(session.id),
        })
        .collect();
    Ok(([no_store()], Json(listed)).into_response())
}

async fn end_session(
    State(accounts): State<Accounts>,
    Bearer(principal): Bearer,
    Path(session): Path<String>,
) -> Result<StatusCode, Problem> {
    let missing = || Problem::new(ErrorCode::NotFound, "there is no such session");
    let session = Uuid::try_parse(&session).map_err(|_| missing())?;
    let outcome = accounts.end_session(principal.user, session).await;
    count("end_session", outcome.as_ref().err());
    if outcome? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing())
    }
}

/// With the name that the client gives its device, where it does.
fn named(caller: Caller, fields: &mut Fields) -> Result<Caller, Problem> {
    let name = fields.optional_text("device")?;
    Ok(Caller {
        device: name.and_then(|name| device(&name)).or(caller.device),
        ..caller
    })
}

fn no_store() -> (header::HeaderName, HeaderValue) {
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
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
    Ok((status, [no_store()], Json(admitted)).into_response())
}

fn count(call: &'static str, error: Option<&AccountError>) {
    let outcome = error.map_or("ok", |error| error.code().as_str());
    metrics::counter!("tidings_auth_requests_total", "call" => call, "outcome" => outcome).increment(1);
    if let Some(AccountError::Unavailable(reason)) = error {
        tracing::warn!(call, reason, "accounts are unavailable");
    }
}

fn only(methods: &'static str, route: MethodRouter<Accounts>) -> MethodRouter<Accounts> {
    route.fallback(async move || {
        let problem = Problem::invalid("method", format!("this is called with {methods}"))
            .status(StatusCode::METHOD_NOT_ALLOWED);
        ([(header::ALLOW, methods)], problem)
    })
}

impl AccountError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Broken(_) => ErrorCode::InvalidArgument,
            Self::Taken => ErrorCode::Conflict,
            Self::Wrong | Self::BadRefreshToken => ErrorCode::Unauthenticated,
            Self::Suspended | Self::NoPassword => ErrorCode::Forbidden,
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
            AccountError::Unavailable(_) => {
                Problem::unavailable("accounts are unavailable").retry_after_ms(UNAVAILABLE_RETRY_MS)
            }
            AccountError::Taken => Problem::invalid("username", error.to_string()).with_code(code),
            AccountError::Wrong
            | AccountError::BadRefreshToken
            | AccountError::NoPassword
            | AccountError::Suspended => Problem::new(code, error.to_string()),
        }
    }
}

/// Whole milliseconds, rounded up, so that whoever waits them out is not too early.
fn millis_up(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}
