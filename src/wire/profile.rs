//! What people show of themselves.

use tidings_domain::event::{Avatar, ProfileUpdated};
use tidings_domain::{About, DisplayName, Rejection};
use tidings_protocol::Profile;

pub(super) fn update(profile: &Profile) -> Result<ProfileUpdated, Rejection> {
    let Profile {
        display_name,
        about,
        avatar,
    } = profile;
    Ok(ProfileUpdated {
        display_name: display_name.as_deref().map(DisplayName::parse).transpose()?,
        about: about.as_deref().map(About::parse).transpose()?,
        avatar: avatar.map(|avatar| Avatar(avatar.0)),
    })
}
