//! What people let others do and know.

use tidings_domain::event::SettingsUpdated;
use tidings_protocol::{Audience, Settings};

pub(super) fn update(settings: Settings) -> SettingsUpdated {
    SettingsUpdated {
        receipts: settings.receipts,
        last_seen: settings.last_seen.map(audience),
        direct: settings.direct.map(audience),
        add_me: settings.add_me.map(audience),
    }
}

fn audience(audience: Audience) -> tidings_domain::Audience {
    match audience {
        Audience::Everyone => tidings_domain::Audience::Everyone,
        Audience::Contacts => tidings_domain::Audience::Contacts,
        Audience::Nobody => tidings_domain::Audience::Nobody,
    }
}
