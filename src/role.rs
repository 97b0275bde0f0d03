//! Roles: what an account may do on the server beyond what every account may.

/// A role of an account, as its tokens say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Administration of the whole server.
    Admin,
    /// Looks after what people say to one another.
    Moderator,
    /// Sees what administrators see and do, and does nothing.
    Auditor,
    /// A program that speaks for many, or to many: may do more in a time than people, and nothing else.
    Bot,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Admin, Self::Moderator, Self::Auditor, Self::Bot];

    /// The role as it stands in tokens and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Moderator => "moderator",
            Self::Auditor => "auditor",
            Self::Bot => "bot",
        }
    }

    /// The role of that name; `None` for one that this version does not know.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Reads roles, each once. Those that this version does not know grant nothing.
pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Role> {
    let mut roles = vec![];
    for role in names.into_iter().filter_map(Role::named) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_once_each_and_others_grant_nothing() {
        let roles = parse(["moderator", "root", "auditor", "moderator", "Admin"]);
        assert_eq!(roles, [Role::Moderator, Role::Auditor]);
        for role in Role::ALL {
            assert_eq!(Role::named(role.as_str()), Some(role));
        }
    }
}
