-- Adds one range of a lane to its stream, and refuses holes.
-- KEYS[1] the stream; ARGV: first position, last position, packed range, entries to keep, '1' to jump over a hole.
-- Answers 'ok', 'old' when the stream has the range already, or the last position that the stream has.
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local first, last = tonumber(ARGV[1]), tonumber(ARGV[2])
if newest[1] then
  local have = tonumber(string.match(newest[1][1], '^(%d+)-'))
  if last <= have then
    return 'old'
  end
  if first > have + 1 and ARGV[5] ~= '1' then
    return tostring(have)
  end
end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], ARGV[2] .. '-0', 'b', ARGV[3])
-- A time line that nobody writes to any more goes away by itself.
redis.call('EXPIRE', KEYS[1], 604800)
return 'ok'
