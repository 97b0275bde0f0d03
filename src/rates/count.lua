-- Counts what was used of a rate, by GCRA: of each user or address and class, Redis keeps when all is earned back, in microseconds
-- since 1970 by its own clock. What is earned back is forgotten.
-- KEYS: where it is kept.
-- ARGV: the time that earns what was used, and the most that may be owed, both in microseconds.
-- Answers in how many microseconds all is earned back.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local whole = tonumber(redis.call('GET', KEYS[1]) or now) or now
local rest = math.min(math.max(whole - now, 0) + ARGV[1], tonumber(ARGV[2]))
if rest > 0 then
  redis.call('SET', KEYS[1], string.format('%d', now + rest), 'PX', string.format('%d', math.ceil(rest / 1000)))
end
return rest
