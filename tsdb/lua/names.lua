-- Reads the names of the facts of projects, unless the projects have too many series. It writes nothing.
--
-- KEYS  for each project: state, index
-- ARGV  1 the most series that all the projects may have together
-- Returns for each project its state and a list of the names; or how many series there are, if they are too many

local number = 0
for i = 2, #KEYS, 2 do
    number = number + redis.call('SCARD', KEYS[i])
end
if number > tonumber(ARGV[1]) then
    return number
end
local FACT, found = string.byte('f'), {}
for i = 1, #KEYS, 2 do
    found[i] = redis.call('GET', KEYS[i])
    local facts, n = {}, 0
    for _, name in ipairs(redis.call('SMEMBERS', KEYS[i + 1])) do
        if string.byte(name) == FACT then
            n = n + 1
            facts[n] = name
        end
    end
    found[i + 1] = facts
end
return found
