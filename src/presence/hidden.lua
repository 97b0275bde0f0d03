-- Which of these users hide on a node other than this one, by a lease that has not run out.
-- KEYS: nodes.
-- ARGV: the node, what the names of the sets of those who hide begin with, then the users.
-- Answers 1 for each who does, and 0 for each other one.
local hidden = {}
if #ARGV < 3 then
  return hidden
end
for at = 3, #ARGV do
  hidden[at - 2] = 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function hex(byte)
  return string.format('%02x', string.byte(byte))
end
for _, node in ipairs(redis.call('ZRANGE', KEYS[1], string.format('(%d', now), '+inf', 'BYSCORE')) do
  if node ~= ARGV[1] then
    local set = ARGV[2] .. string.gsub(node, '.', hex)
    for user, is_in in ipairs(redis.call('SMISMEMBER', set, unpack(ARGV, 3))) do
      if is_in == 1 then
        hidden[user] = 1
      end
    end
  end
end
return hidden
