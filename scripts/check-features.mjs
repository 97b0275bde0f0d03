// Checks that every figure among the limits in docs/features.md is that of the code, and that the files that it names are there. A figure that
// is not declared below fails, and so does one that the document does not have.
//
//   node scripts/check-features.mjs

import { existsSync, readFileSync } from 'node:fs';

// Names of limits and settings: name | file | declaration, with the value in the place of {}.
const NAMED = `
user_conversations_max | src/config.rs | user_conversations_max: {},
group_members | domain/src/conversation/group.rs | GROUP_MEMBERS_MAX: usize = {};
name_chars | domain/src/text.rs | GROUP_NAME_CHARS_MAX: usize = {};
conversation_changes_per_second | src/lanes.rs | changes_per_second: {},
conversation_changes_burst | src/lanes.rs | changes_burst: {},
text_bytes | domain/src/text.rs | MESSAGE_TEXT_BYTES_MAX: usize = {};
edit_window_s | domain/src/rules.rs | edit_window: Window::Seconds({}),
recall_window_s | domain/src/rules.rs | recall_window: Window::Seconds({}),
message_versions | domain/src/rules.rs | versions: {},
message_reactions | domain/src/rules.rs | reactions: {},
user_reactions | domain/src/rules.rs | reactions_of_user: {},
emoji_bytes | domain/src/conversation/reaction.rs | EMOJI_BYTES_MAX: usize = {};
pins | domain/src/conversation/pin.rs | PINS_MAX: usize = {};
mentions | domain/src/conversation/message.rs | MENTIONS_MAX: usize = {};
everyone_per_hour | domain/src/conversation/everyone.rs | EVERYONE_PER_HOUR: usize = {};
slow_s | domain/src/conversation/slow.rs | SLOW_SECONDS_MAX: u32 = {};
bans | domain/src/conversation/ban.rs | BANS_MAX: usize = {};
reason_chars | domain/src/text.rs | REASON_CHARS_MAX: usize = {};
attachment_bytes | src/attachments/config.rs | file_bytes: {},
attachments.file_bytes | src/attachments/config.rs | file_bytes: {},
attachments.user_bytes | src/attachments/config.rs | user_bytes: {},
attachments.user_files | src/attachments/config.rs | user_files: {},
attachments.attach_window_s | src/attachments/config.rs | attach_window_s: {},
attachments.uploads_per_user | src/attachments/config.rs | uploads_per_user: {},
attachments.downloads_per_user | src/attachments/config.rs | downloads_per_user: {},
read_gather_ms | src/config.rs | read_gather_ms: {},
hidden_messages | domain/src/user/hiding.rs | HIDDEN_MAX: usize = {};
gateway.proof_ms | src/gateway/limits.rs | proof_ms: {},
gateway.delivered_direct_ms | src/gateway/limits.rs | delivered_direct_ms: {},
graphql.cost_per_second | graphql/src/serve/config.rs | cost_per_second: {},
graphql.cost_burst | graphql/src/serve/config.rs | cost_burst: {},
inbox_days | src/config.rs | inbox_days: {},
invitations | domain/src/conversation/invitation.rs | INVITATIONS_MAX: usize = {};
invitations_per_day | domain/src/conversation/invitation.rs | INVITATIONS_A_DAY: u32 = {};
contacts | domain/src/pair/contact.rs | CONTACTS_MAX: u32 = {};
contact_requests | domain/src/pair/contact.rs | REQUESTS_MAX: u32 = {};
contact_requests_per_day | domain/src/pair/contact.rs | REQUESTS_A_DAY: u32 = {};
blocks | domain/src/pair/block.rs | BLOCKS_MAX: u32 = {};
reports_per_day | domain/src/report.rs | REPORTS_A_DAY: u32 = {};`;

// What rows say in their own words: feature | words | file | declaration. Where there is no {}, words and declaration stand as they are.
const WORDED = `
invite links | {} at a time | domain/src/conversation/link.rs | LINKS_MAX: usize = {};
invite links | 30 days | domain/src/conversation/link.rs | LINK_SECONDS_MAX: u32 = 30 * 24 * 60 * 60;
invite links | 7 days where nothing is said | domain/src/conversation/link.rs | LINK_SECONDS: u32 = 7 * 24 * 60 * 60;
invite links | {} uses or any number | domain/src/conversation/link.rs | LINK_USES_MAX: u32 = {};
joining | {} wait at a time | domain/src/conversation/joining.rs | JOIN_REQUESTS_MAX: usize = {};
joining | {} owners and admins are told | domain/src/conversation/joining.rs | DOORKEEPERS_MAX: usize = {};
joining | for 30 days | domain/src/conversation/joining.rs | JOIN_REQUEST_SECONDS: u32 = 30 * 24 * 60 * 60;
invitations | {} for the same person | domain/src/conversation/invitation.rs | INVITERS_MAX: usize = {};
invitations | open for 30 days | domain/src/conversation/invitation.rs | INVITATION_SECONDS: u32 = 30 * 24 * 60 * 60;
invitations | again 7 days after a refusal | domain/src/conversation/invitation.rs | DECLINED_SECONDS: u32 = 7 * 24 * 60 * 60;
invitations | 7 days after {} of one's own | domain/src/conversation/taken_back.rs | INVITATIONS_TAKEN_BACK_MAX: u8 = {};
invitations | 7 days after 3 of one's own | domain/src/conversation/taken_back.rs | TAKEN_BACK_SECONDS: u32 = 7 * 24 * 60 * 60;
invitations | {} wait for a person | domain/src/user/open.rs | OPEN_MAX: usize = {};
edit | 0 never, also for owners, -1 any time | domain/src/rules.rs | 0 => Self::Closed,
recall | 0 never, -1 any time | domain/src/rules.rs | 0 => Self::Closed,
reactions | at most {} different ones | domain/src/conversation/reaction.rs | EMOJI_OF_USER_MAX: usize = {};
attachments | a name has {} bytes | domain/src/text.rs | FILE_NAME_BYTES_MAX: usize = {};
attachments | Thumbnails of 480 and 1,280 pixels | src/attachments/thumbnail.rs | SIZES: [u32; 2] = [480, 1280];
attachments | two to three hours | src/accounts/standing.rs | LINK_LIFE: Duration = Duration::from_hours(3);
follow | the {} newest threads | projections/src/unread/unread_threads.sql | ORDER BY a.thread DESC LIMIT {})
follow | the {} newest threads | projections/src/unread/unread_threads.sql | ORDER BY b.thread DESC LIMIT {})
read in a thread | \`Thread.unreadCount\` {} at most | projections/src/unread/thread_states.sql | LIMIT {}) y) y
read in a thread | the last {} mentions in threads | projections/src/unread/thread_mentions.sql | ORDER BY n.seq DESC LIMIT {})
read | at most {}) | src/config.rs | self.read_gather_ms > {} {
read | {} without an answer | src/gateway/reader.rs | READS_IN_FLIGHT: u32 = {};
matters of an account | {} of each matter a day | migrations/V53__account_matters.sql | SELECT count(*) < {} FROM account_matter
announcements | a text of {} bytes | domain/src/announcement.rs | ANNOUNCEMENT_BYTES_MAX: usize = {};
announcements | {} at a time wait | domain/src/announcement.rs | SCHEDULED_MAX: usize = {};
announcements | within {} days | domain/src/announcement.rs | TimeDelta::days({});
announcements | the newest {} of what was missed | src/announcements/board.rs | KEPT: usize = {};
contacts | not heard for {} days | domain/src/pair/contact.rs | DECLINED_DAYS: i64 = {};
withholding | {} messages of a conversation at a time | domain/src/conversation/withholding.rs | WITHHELD_MAX: usize = {};
reports | {} reports of a message | domain/src/report.rs | REPORTS_OF_MESSAGE_MAX: usize = {};
reports | a reason of {}, | domain/src/text.rs | REASON_CHARS_MAX: usize = {};
reports | a note of {} characters | domain/src/text.rs | REPORT_NOTE_CHARS_MAX: usize = {};
contacts | a text of {} characters | domain/src/text.rs | GREETING_CHARS_MAX: usize = {};
profile | a name {}, | domain/src/text.rs | DISPLAY_NAME_CHARS_MAX: usize = {};
profile | \`about\` {} characters | domain/src/text.rs | ABOUT_CHARS_MAX: usize = {};
profile | \`User.names\` {} ( | graphql/src/schema/profile.rs | NAMES_MAX: usize = {};
mark unread | {} conversations at a time | domain/src/user/mark.rs | MARKED_MAX: usize = {};
drafts | {} conversations, the newest | web/src/chat/drafts.ts | KEPT_MAX = {};
drafts | of {} characters each | web/src/chat/drafts.ts | TEXT_MAX = {};
read receipts | {} members | domain/src/conversation/receipt.rs | RECEIPT_MEMBERS_MAX: usize = {};
read receipts | conversations of at most {}; | domain/src/conversation/receipt.rs | RECEIPT_MEMBERS_MAX: usize = {};
deliveries | told some 8 s later | src/gateway/limits.rs | proof_ms: 5_000,
typing | twice a second | src/gateway/typing.rs | PERIOD: Duration = Duration::from_millis(500);
typing | {} at once | src/gateway/typing.rs | BURST: u32 = {};
typing | shown again after {} s | src/gateway/typing.rs | AGAIN: Duration = Duration::from_secs({});
typing | fade after 6 s | web/src/chat/store.ts | TYPING_MS = 6_000;
typing | at most {} connections of a node | src/delivery/subscriptions.rs | TYPING_CONNECTIONS_MAX: usize = {};
who is there | {} users | domain/src/presence.rs | WATCHED_USERS_MAX: usize = {};
who is there | and {} conversations of a connection | domain/src/presence.rs | WATCHED_CONVERSATIONS_MAX: usize = {};
who is there | {} people with the members of small ones | src/presence/watching.rs | WATCHED_MAX: usize = {};
who is there | {} changes of the list a minute | src/presence/watching.rs | WATCHES: u32 = {};
who is there | names up to {} members | domain/src/presence.rs | NAMED_MEMBERS_MAX: usize = {};
who is there | {} people of a node | src/presence/watching.rs | TRACKED_MAX: usize = {};
search | {} characters | search/src/query.rs | QUERY_CHARS_MAX: usize = {};
search | {} terms of a query | search/src/query.rs | TERMS_MAX: usize = {};
search | the newest {} for the best | graphql/src/schema/search/walk.rs | BEST: usize = {};
search | {} s (all fixed) | graphql/src/schema/search/walk.rs | WALK: Duration = Duration::from_secs({});
search | costs {} of | graphql/src/serve/limits/measure.rs | SEARCH: usize = {};
looking back | {} control events before | src/administration/past.rs | CONTROLS_MAX: usize = {};
looking back | {} events of reactions | src/administration/past.rs | REACTIONS_MAX: usize = {};
looking back | {} replies counted | projections/src/history/past.rs | PAST_REPLIES_MAX: i64 = {};
looking back | {} threads with replies since | projections/src/history/past.rs | PAST_THREADS_MAX: i64 = {};
looking back | costs {} of | graphql/src/serve/limits/measure.rs | PAST: usize = {};
unread counts | behind a position {} each | projections/src/conversations/by_id.sql | LIMIT {}) v)
unread counts | behind a position {} each | projections/src/conversations/activity.sql | LIMIT {}) v)
unread counts | behind a position {} each | projections/src/inbox/waiting.sql | LIMIT {}) v)
unread counts | behind a position {} each | projections/src/unread/unread_total.sql | LIMIT {}) v)
unread counts | at most {} lie behind it | projections/src/unread/blocked_messages.sql | place.msg_no > {} THEN
unread counts | at most {} lie behind it | projections/src/unread/messages_behind.sql | ORDER BY s.seq LIMIT {}) s
unread counts | at most {} lie behind it | projections/src/unread/unread_total.sql | place.behind <= {}`;

const wrong = [];
const lines = (table) => table.trim().split('\n').map((line) => line.split(' | '));
const named = new Map(lines(NAMED).map(([name, file, declaration]) => [name, value(file, declaration)]));
const worded = lines(WORDED);
const seen = new Set();
let figures = 0;

for (const line of readFileSync('docs/features.md', 'utf8').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    if (!line.startsWith('| ') || cells[1] === 'feature') continue;
    if (cells.length !== 8) wrong.push(`not of six columns: ${line}`);
    const feature = cells[1].split(' (')[0];
    seen.add(feature);
    // Whatever is checked is taken out, so that what remains has no figure.
    let limits = cells[4];
    for (const [, words, file, declaration] of worded.filter(([of]) => of === feature)) {
        const said = words.replace('{}', value(file, declaration)?.toLocaleString('en-GB'));
        if (!line.includes(said)) wrong.push(`${feature}: it is "${said}" by ${file}`);
        limits = limits.replace(said, '');
        figures += 1;
    }
    let section = '';
    limits = limits.replace(/`([a-z_]+(?:\.[a-z_]+)?)`(?: (\d[\d,]*)( GiB)?)?/g, (_, name, digits, unit) => {
        const known = named.has(name) ? named.get(name) : named.get(`${section}.${name}`);
        if (name.includes('.')) section = name.split('.')[0];
        const said = digits && Number(digits.replaceAll(',', '')) * (unit ? 2 ** 30 : 1);
        if (known === undefined) wrong.push(`${feature}: nothing declares \`${name}\``);
        else if (digits && said !== known) wrong.push(`${feature}: \`${name}\` is ${known}, not ${said}`);
        figures += digits ? 1 : 0;
        return '';
    });
    if (/\d/.test(limits)) wrong.push(`${feature}: nothing declares a figure in "${limits}"`);
    for (const [, path] of cells[6].matchAll(/`([^`]+)`/g)) {
        if (!existsSync(path)) wrong.push(`${feature}: there is no ${path}`);
    }
}
for (const [feature] of worded) if (!seen.has(feature)) wrong.push(`there is no feature "${feature}"`);

for (const problem of wrong) console.error(`docs/features.md: ${problem}`);
console.log(`${figures} figures of ${seen.size} features, ${wrong.length} wrong`);
process.exit(wrong.length > 0 ? 1 : 0);

// The value that a file declares, the same wherever it does; `undefined` for words that stand in it as they are.
function value(file, declaration) {
    const text = readFileSync(file, 'utf8');
    const [before, behind] = declaration.split('{}');
    if (behind === undefined) {
        if (!text.includes(declaration)) wrong.push(`${file} does not say \`${declaration}\``);
        return undefined;
    }
    const values = new Set();
    for (const rest of text.split(before).slice(1)) {
        const [, found] = rest.match(/^(\d[\d_]*(?: (?:\*|<<) \d[\d_]*)*)/) ?? [];
        if (found && rest.slice(found.length).startsWith(behind)) values.add(computed(found));
    }
    if (values.size !== 1) wrong.push(`${file} declares \`${declaration}\` as ${[...values].join(', ') || 'nothing'}`);
    return [...values][0];
}

// A number as code has it: 1_000, 24 * 60 * 60, 32 << 20.
function computed(text) {
    const [base, bits] = text.replaceAll('_', '').split('<<');
    return base.split('*').reduce((product, factor) => product * Number(factor), 1) * 2 ** Number(bits ?? 0);
}
