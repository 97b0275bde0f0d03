-- Renews a node's lease, and ends those of others that have run out.
-- KEYS: nodes, changes, then the node's: on, away, dnd, hidden, conn.
-- ARGV: the node, the lease in ms, entries to keep, how many users it has on, '1' where all of them were just written.
-- Answers 0 where Redis does not have what the node has said, which has to say it again.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, node in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], node)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'n', node, 'k', 'over')
end
if ARGV[5] ~= '1' then
  if not redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('SCARD', KEYS[3]) ~= tonumber(ARGV[4]) then
    return 0
  end
end
local ends = string.format('%d', now + ARGV[2])
redis.call('ZADD', KEYS[1], ends, ARGV[1])
for key = 3, 7 do
  redis.call('PEXPIREAT', KEYS[key], ends)
end
if ARGV[5] == '1' then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'n', ARGV[1], 'k', 'here')
end
return 1
