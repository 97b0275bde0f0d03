//! What can be set about the rates of roles. Those of everybody stand with what they are about.

use super::{Allowance, ByRole, Class};
use crate::role::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of rates.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RatesConfig {
    /// Those of users who have a role.
    pub roles: RatesOfRoles,
}

/// Rates of users who have a role, by the name of the role.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RatesOfRoles {
    pub admin: RoleRates,
    pub auditor: RoleRates,
    pub bot: RoleRates,
    pub moderator: RoleRates,
}

/// Rates of users who have one role. What is less than everybody has, as 0 is, has no effect.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoleRates {
    /// Connections that a user of this role may begin each minute in the long run, at all nodes; 0 for as many as everybody.
    pub connects_per_minute: u32,
    /// Connections that a user of this role may begin one after the other after a quiet while; 0 for as many as everybody.
    pub connects_burst: u32,
    /// Objects that a user of this role may send each second in the long run, at all nodes; 0 for as many as everybody.
    pub commands_per_second: u32,
    /// Objects that a user of this role may send at once after a quiet while; 0 for as many as everybody.
    pub commands_burst: u32,
    /// Uploads that a user of this role may begin each minute in the long run, at all nodes; 0 for as many as everybody.
    pub uploads_per_minute: u32,
    /// Uploads that a user of this role may begin one after the other after a quiet while; 0 for as many as everybody.
    pub uploads_burst: u32,
    /// The cost that a user of this role may cause in GraphQL each second in the long run; 0 for as much as everybody.
    pub graphql_cost_per_second: u32,
    /// The cost that a user of this role may cause in GraphQL at once; 0 for as much as everybody.
    pub graphql_cost_burst: u32,
}

impl Default for RatesOfRoles {
    fn default() -> Self {
        Self {
            admin: RoleRates::default(),
            auditor: RoleRates::default(),
            // Five times what everybody has.
            bot: RoleRates {
                connects_per_minute: 1_500,
                connects_burst: 3_000,
                commands_per_second: 1_000,
                commands_burst: 20_000,
                uploads_per_minute: 300,
                uploads_burst: 2_500,
                graphql_cost_per_second: 50_000,
                graphql_cost_burst: 1_000_000,
            },
            moderator: RoleRates::default(),
        }
    }
}

impl RatesConfig {
    /// What users may use by their roles, where everybody may use this.
    pub(super) fn allowances(&self, class: Class, everybody: Allowance) -> ByRole<Allowance> {
        let roles = Role::ALL.map(|role| {
            let (number, burst) = self.roles.of(role).of(class);
            (role, number, burst)
        });
        ByRole::new(everybody, roles)
    }
}

impl RatesOfRoles {
    fn of(&self, role: Role) -> &RoleRates {
        match role {
            Role::Admin => &self.admin,
            Role::Moderator => &self.moderator,
            Role::Auditor => &self.auditor,
            Role::Bot => &self.bot,
        }
    }
}

impl RoleRates {
    /// How many in the long run, and how many at once.
    fn of(&self, class: Class) -> (u32, u32) {
        match class {
            Class::Connect => (self.connects_per_minute, self.connects_burst),
            Class::Send => (self.commands_per_second, self.commands_burst),
            Class::Upload => (self.uploads_per_minute, self.uploads_burst),
            Class::Graphql => (self.graphql_cost_per_second, self.graphql_cost_burst),
            // Nobody knows yet who it is: they are counted by address.
            Class::Login | Class::Refresh | Class::Register | Class::Failure => (0, 0),
        }
    }
}
