//! Requests as they are sent: a JSON object, or the parameters of an address.

use crate::errors::Refusal;
use async_graphql::{Request, Variables};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A request in JSON, in a body or on a socket.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    extensions: Option<Map<String, Value>>,
}

/// The same as parameters of an address, where objects are JSON texts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

impl Payload {
    /// Reads a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let value: Value =
            serde_json::from_slice(body).map_err(|_| Refusal::invalid("body", "the body is not JSON"))?;
        if value.is_array() {
            return Err(Refusal::invalid(
                "body",
                "several requests in one are not supported",
            ));
        }
        serde_json::from_value(value).map_err(|_| {
            Refusal::invalid(
                "body",
                "the body is not an object with a `query` and, perhaps, `variables`",
            )
        })
    }

    pub(super) fn into_request(self) -> Result<Request, Refusal> {
        let variables = Variables::from_json(Value::Object(self.variables.unwrap_or_default()));
        let mut request = Request::new(self.query).variables(variables);
        // Some clients send an empty name for none.
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        for (name, value) in self.extensions.unwrap_or_default() {
            let value = async_graphql::Value::from_json(value)
                .map_err(|_| Refusal::invalid("extensions", "an extension cannot be read"))?;
            request.extensions.insert(name, value);
        }
        Ok(request)
    }
}

impl Parameters {
    pub(super) fn into_payload(self) -> Result<Payload, Refusal> {
        Ok(Payload {
            query: self
                .query
                .ok_or_else(|| Refusal::invalid("query", "the address has no `query`"))?,
            operation_name: self.operation_name,
            variables: object("variables", self.variables)?,
            extensions: object("extensions", self.extensions)?,
        })
    }
}

fn object(field: &'static str, text: Option<String>) -> Result<Option<Map<String, Value>>, Refusal> {
    let text = text.filter(|text| !text.is_empty());
    text.map_or(Ok(None), |text| serde_json::from_str(&text))
        .map_err(|_| Refusal::invalid(field, "not a JSON object"))
}
