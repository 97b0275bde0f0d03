//! The committed schema.

use std::path::Path;

/// `UPDATE_SCHEMA=1 cargo test -p tidings-graphql schema` writes it anew.
#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let current = tidings_graphql::sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "graphql/schema.graphql is out of date: run again with UPDATE_SCHEMA=1"
    );
}

/// Names, types and nullability that the wire contract binds.
#[test]
fn the_schema_holds_what_the_contract_says() {
    let sdl = tidings_graphql::sdl();
    let field = |owner: &str, start: &str| {
        let body = sdl
            .split(&format!("type {owner} {{"))
            .nth(1)
            .unwrap_or_else(|| panic!("no type {owner}"));
        let body = body.split("\n}").next().unwrap();
        let line = body.lines().map(str::trim).find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no field {owner}.{start}"))
            .to_owned()
    };
    for (owner, line) in [
        ("Query", "me: User!"),
        ("Query", "user(id: ID!): User"),
        (
            "Query",
            "conversations(first: Int, after: String, last: Int, before: String): ConversationConnection!",
        ),
        ("Query", "conversation(id: ID!): Conversation"),
        ("Query", "message(conversation: ID!, id: ID!): Message"),
        (
            "Query",
            "inbox(first: Int, after: String, last: Int, before: String): InboxConnection!",
        ),
        ("Conversation", "id: ID!"),
        ("Conversation", "kind: ConversationKind!"),
        ("Conversation", "title: String"),
        (
            "Conversation",
            "members(first: Int, after: String, last: Int, before: String): MemberConnection!",
        ),
        ("Conversation", "unreadCount: Long!"),
        ("Conversation", "mentionCount: Long!"),
        ("Conversation", "lastMessage: Message"),
        ("Conversation", "lastSeq: Long!"),
        (
            "Conversation",
            "asOf(time: DateTime, position: String): Conversation",
        ),
        (
            "Conversation",
            "messages(first: Int, after: String, last: Int, before: String): MessageConnection!",
        ),
        ("Message", "id: ID!"),
        ("Message", "seq: Long!"),
        ("Message", "sender: User!"),
        ("Message", "sentAt: DateTime!"),
        ("Message", "kind: ContentKind!"),
        ("Message", "text: String"),
        ("Message", "editedAt: DateTime"),
        ("Message", "recalledAt: DateTime"),
        ("Message", "replyTo: Message"),
        ("Message", "edits(first: Int, after: String): EditConnection!"),
        ("Message", "reactions: [Reaction!]!"),
        ("Message", "attachment: Attachment"),
        ("Reaction", "emoji: String!"),
        ("Reaction", "count: Int!"),
        ("Reaction", "viewerReacted: Boolean!"),
        ("Reaction", "users(first: Int, after: String): UserConnection!"),
        (
            "Admin",
            "events(lane: Int, conversation: ID, user: ID, kind: String, from: DateTime, to: DateTime, first: Int, after: String): EventConnection!",
        ),
        ("Admin", "trace(conversation: ID!, message: ID!): MessageTrace"),
        ("Admin", "configuration: [Setting!]!"),
        (
            "Admin",
            "reports(state: ReportState, first: Int, after: String, last: Int, before: String): ReportConnection!",
        ),
        (
            "Mutation",
            "resolveReport(id: ID!, action: ReportAction!, note: String, versions: Int): Report!",
        ),
        (
            "Mutation",
            "withholdReported(id: ID!, note: String!, versions: Int): Report!",
        ),
        (
            "Mutation",
            "showReportedAgain(id: ID!, note: String, versions: Int): Report!",
        ),
        ("Report", "versions: Int!"),
        ("Message", "withheld: Boolean!"),
        ("Thread", "id: ID!"),
        ("Thread", "root: Message"),
        ("Subscription", "conversationEvents(id: ID!): Event!"),
        ("User", "id: ID!"),
        ("User", "username: String!"),
        ("User", "displayName: String!"),
        ("MessageConnection", "edges: [MessageEdge!]!"),
        ("MessageConnection", "nodes: [Message!]!"),
        ("MessageConnection", "pageInfo: PageInfo!"),
        ("InboxConnection", "nodes: [InboxEntry!]!"),
        ("PageInfo", "hasNextPage: Boolean!"),
        ("PageInfo", "hasPreviousPage: Boolean!"),
        ("PageInfo", "startCursor: String"),
        ("PageInfo", "endCursor: String"),
    ] {
        let start = line.split_inclusive(['(', ':']).next().unwrap();
        assert_eq!(field(owner, start), line, "{owner}");
    }
}
