//! Settings, as administrators see them.

use crate::backend::{Backend, SettingSource, SettingState};
use async_graphql::SimpleObject;

/// A setting of the node that answers.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Setting {
    /// With the names of its tables, as in `gateway.heartbeat_ms`.
    name: String,
    /// Null where it is not set, and `[secret]` where it may hold a secret.
    value: Option<String>,
    /// Who has said so.
    source: SettingSource,
    description: String,
}

impl From<SettingState> for Setting {
    fn from(state: SettingState) -> Self {
        Self {
            name: state.name,
            value: state.value,
            source: state.source,
            description: state.description,
        }
    }
}

/// All settings, by name.
pub(super) fn all(backend: &dyn Backend) -> Vec<Setting> {
    backend.settings().into_iter().map(Setting::from).collect()
}
