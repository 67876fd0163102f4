-- Tells when each series last counted something, as exactly as its rings say. It writes nothing.
--
-- KEYS  states, then the rings of each series, finest first
-- ARGV  1 how many states there are
-- Returns the value of each state, and then two integers for each series: the newest bucket of its finest ring, and which
-- of ROLLUPS that ring has; 0 and 0 if the series has no ring

local call, states, found = redis.call, tonumber(ARGV[1]), {}
for i = 1, states do
    found[i] = call('GET', KEYS[i])
end
local n = states
for ring = states + 1, #KEYS, #ROLLUPS do
    local bucket, which = 0, 0
    for i = 1, #ROLLUPS do
        local head = call('GETRANGE', KEYS[ring + i - 1], 0, WIDTH - 1)
        if head ~= '' then
            bucket, which = struct.unpack('>l', head), i
            break
        end
    end
    found[n + 1], found[n + 2] = bucket, which
    n = n + 2
end
return found
