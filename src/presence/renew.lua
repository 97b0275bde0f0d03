-- Renews a node's lease, and ends those of others that have run out.
-- KEYS: nodes, changes, then the node's: on, away, dnd, hidden, conn, said; and the first five as they were just written anew.
-- ARGV: the node, the lease in ms, entries to keep, the number of what was said last, how many users are on, away, dnd and hidden, '1' where all
-- was written anew, which takes the place of what was there before.
-- Answers 0 where Redis does not have what the node has said, which has to say it again.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, node in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], node)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'n', node, 'k', 'over')
end
local is_anew = ARGV[9] == '1'
local first = is_anew and 9 or 3
for set = 0, 3 do
  if redis.call('SCARD', KEYS[first + set]) ~= tonumber(ARGV[5 + set]) then
    return 0
  end
end
if is_anew then
  for key = 0, 4 do
    redis.call('UNLINK', KEYS[3 + key])
    if redis.call('EXISTS', KEYS[9 + key]) == 1 then
      redis.call('RENAME', KEYS[9 + key], KEYS[3 + key])
    end
  end
  redis.call('SET', KEYS[8], ARGV[4])
elseif not redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('GET', KEYS[8]) ~= ARGV[4] then
  return 0
end
local ends = string.format('%d', now + ARGV[2])
redis.call('ZADD', KEYS[1], ends, ARGV[1])
for key = 3, 8 do
  redis.call('PEXPIREAT', KEYS[key], ends)
end
if is_anew then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'n', ARGV[1], 'k', 'here')
end
return 1
