-- Begins or ends a change of what processes keep in memory under a stamp (tsdb/stamps.py).
--
-- KEYS  1 the stamp
-- ARGV  1 the change, 2 begin or end, 3 seconds that a change may take at most, 4 the value once no change is under way,
--       5 the lifetime of that value in seconds

local call, key, change, seconds = redis.call, KEYS[1], ARGV[1], tonumber(ARGV[3])
local now, last, changes = tonumber(call('TIME')[1]), 0, {}

local function add(one, ends)
    changes[#changes + 1] = string.format('%s:%d', one, ends)
    last = math.max(last, ends)
end

if call('TYPE', key).ok == 'string' then
    for one, ends in string.gmatch(string.match(call('GET', key), '^changing(.*)') or '', ' (%x+):(%d+)') do
        ends = tonumber(ends)
        -- One that ends later was begun by a clock that ran ahead.
        if one ~= change and ends > now and ends <= now + seconds then
            add(one, ends)
        end
    end
end
if ARGV[2] == 'begin' then
    add(change, now + seconds)
end
if #changes > 0 then
    call('SET', key, 'changing ' .. table.concat(changes, ' '), 'EX', last - now)
else
    call('SET', key, ARGV[4], 'EX', ARGV[5])
end
