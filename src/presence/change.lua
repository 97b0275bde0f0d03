-- Says how users of a node are there now.
-- KEYS: nodes, changes, then the node's: on, away, dnd, hidden, conn, said.
-- ARGV: the node, entries to keep, the number of what was said before and of this, then for each user: the id, how they are there, '1' where
-- that is new, their connections or ''.
-- Answers 0, and says nothing, where the node has no lease, or what it said before is not there.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) <= now then
  return 0
end
local said = redis.call('GET', KEYS[8])
if said == ARGV[4] then
  -- The node has not heard the answer.
  return 1
end
if said ~= ARGV[3] then
  return 0
end
ends = string.format('%d', tonumber(ends))
local sets = { away = KEYS[4], dnd = KEYS[5], hidden = KEYS[6] }
for at = 5, #ARGV, 4 do
  local user, shown, is_new, connections = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  for key = 3, 6 do
    redis.call('SREM', KEYS[key], user)
  end
  if shown == 'online' or shown == 'away' or shown == 'dnd' then
    redis.call('SADD', KEYS[3], user)
  end
  if sets[shown] then
    redis.call('SADD', sets[shown], user)
  end
  if connections == '' then
    redis.call('HDEL', KEYS[7], user)
  else
    redis.call('HSET', KEYS[7], user, connections)
  end
  if is_new == '1' then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'n', ARGV[1], 'u', user, 's', shown)
  end
end
redis.call('SET', KEYS[8], ARGV[4])
for key = 3, 8 do
  redis.call('PEXPIREAT', KEYS[key], ends)
end
return 1
