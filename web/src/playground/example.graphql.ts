// What the editor shows at first.

export const EXAMPLE = `# Ctrl+Enter runs the query at the cursor,
# Ctrl+Space completes, and the book on the
# left shows all that can be asked for.

# Your conversations, newest activity first,
# each with its latest messages.
query Conversations {
  me {
    id
    username
    displayName
  }
  conversations(first: 10) {
    nodes {
      id
      kind
      title
      unreadCount
      messages(last: 5) {
        nodes {
          seq
          sentAt
          sender {
            displayName
          }
          text
        }
      }
    }
  }
}

# The history of one conversation. Put a
# page's "startCursor" into "before" to get
# the page before it.
#
# query History {
#   conversation(id: "...") {
#     messages(last: 50, before: null) {
#       nodes {
#         id
#         seq
#         sentAt
#         sender { username }
#         text
#       }
#       pageInfo { hasPreviousPage startCursor }
#     }
#   }
# }

# What waits for you: messages that none of
# your devices has been sent yet.
#
# query Inbox {
#   inbox(first: 10) {
#     nodes {
#       pendingCount
#       conversation { title }
#       messages(first: 10) { nodes { seq text } }
#     }
#   }
# }

# A subscription: how far the read models
# are behind the log, as it changes.
#
# subscription Progress {
#   readModels { name lane head behind }
# }
`;
