-- Carries the rings of some series of one project over to other shapes. Each series has either its old rings or its new
-- ones, so an interrupted run can be repeated.
--
-- A resolution that was kept before takes over its buckets, as many as fit. If there are two rings of one resolution, left
-- by a setting that was changed under an earlier version, each bucket is their sum. A new resolution is added up from the
-- finer one that goes back furthest, as far as that is complete. The ring of a resolution that is no longer kept is deleted.
--
-- KEYS  1 state, 2 index, then for each series: its rings of the new shapes, its rings of the old shapes (finest first),
--       and where an interrupted move may have put each ring of the old shapes
-- ARGV  1 the state in which this may be done, 2 the caller's clock (s), 3 number of new shapes, 4 number of old shapes,
--       then for each new shape: seconds, slots, the old seconds that it is added up from (0: none), and the first
--       instant (s) from which it is complete; then for each old shape: seconds
-- Returns for each old shape how many rings were deleted because their resolution is no longer kept; or 'over': the project
-- is in another state, because another process has finished this

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 'over'
end
local now = math.min(tonumber(ARGV[2]), limit)
local news, olds, at = {}, {}, 5
for i = 1, tonumber(ARGV[3]) do
    news[i] = {
        seconds = tonumber(ARGV[at]),
        slots = tonumber(ARGV[at + 1]),
        source = tonumber(ARGV[at + 2]),
        since = tonumber(ARGV[at + 3]),
    }
    at = at + 4
end
for i = 1, tonumber(ARGV[4]) do
    olds[i] = {seconds = tonumber(ARGV[at])}
    at = at + 1
end

-- A count of 64 bits is kept as two numbers here, because Lua's numbers are exact only up to 2^53.
local EMPTY, HALF = string.rep('\0', WIDTH), 4294967296

local function add(counts, bucket, high, low)
    counts.high[bucket] = (counts.high[bucket] or 0) + high
    counts.low[bucket] = (counts.low[bucket] or 0) + low
    if not counts.newest or bucket > counts.newest then counts.newest = bucket end
end

-- Adds the buckets of a ring that are not empty, except those that a wrong clock counted into the future. Returns whether
-- there is a ring.
local function add_ring(counts, raw, seconds)
    if not raw then
        return false
    end
    local slots, newest = #raw / WIDTH - 1, struct.unpack('>l', raw)
    counts.newest = math.max(counts.newest or newest, math.min(newest, floor(limit / seconds)))
    for bucket = newest - slots + 1, math.min(newest, floor(limit / seconds)) do
        local place = WIDTH * (bucket % slots + 1) + 1
        if string.sub(raw, place, place + WIDTH - 1) ~= EMPTY then
            add(counts, bucket, struct.unpack('>I4I4', raw, place))
        end
    end
    return true
end

-- The 8 bytes of a count. It stops at 2^63 - 1.
local function packed(high, low)
    high, low = high + floor(low / HALF), low % HALF
    if high >= HALF / 2 then
        high, low = HALF / 2 - 1, HALF - 1
    end
    return struct.pack('>I4I4', high, low)
end

-- Writes the counts as a ring, unless all of them are older than a ring holds.
local function write(key, shape, counts)
    local newest = counts.newest
    local life = newest and shape.seconds * (newest + shape.slots) - now or 0
    if life <= 0 then
        return
    end
    local parts = {}
    for bucket = newest - shape.slots + 1, newest do
        local high = counts.high[bucket]
        parts[bucket % shape.slots + 1] = high and packed(high, counts.low[bucket]) or EMPTY
    end
    local longest = shape.seconds * shape.slots
    redis.call('SET', key, struct.pack('>l', newest) .. table.concat(parts), 'EX', math.min(life, longest))
end

local is_kept, was_kept, dropped = {}, {}, {}
for _, shape in ipairs(news) do is_kept[shape.seconds] = true end
for j, old in ipairs(olds) do was_kept[old.seconds], dropped[j] = true, 0 end

-- The counts of a series' old rings, by the seconds of their buckets; nil for seconds without a ring.
local function read_old(first)
    local found = {}
    for j, old in ipairs(olds) do
        local counts = found[old.seconds] or {high = {}, low = {}}
        local is_there = add_ring(counts, redis.call('GET', KEYS[first + #news + j - 1]), old.seconds)
        local moving = KEYS[first + #news + #olds + j - 1]
        if add_ring(counts, redis.call('HGET', moving, 'ring'), old.seconds) then
            redis.call('UNLINK', moving)
            is_there = true
        end
        if is_there then found[old.seconds] = counts end
    end
    return found
end

-- The counts of a new shape, added up from finer ones.
local function added_up(finer, shape)
    local counts = {high = {}, low = {}}
    for bucket, high in pairs(finer.high) do
        local wider = floor(bucket * shape.source / shape.seconds)
        if wider * shape.seconds >= shape.since then
            add(counts, wider, high, finer.low[bucket])
        end
    end
    return counts
end

-- Carries one series over. If an interrupted run did so before, there are no old rings to find.
local function rebuild(first)
    local found, is_new = read_old(first), {}
    for i = 1, #news do is_new[KEYS[first + i - 1]] = true end
    local unchanged = {}
    for j, old in ipairs(olds) do
        if is_new[KEYS[first + #news + j - 1]] then unchanged[old.seconds] = true end
    end
    for i, shape in ipairs(news) do
        local own, finer = found[shape.seconds], found[shape.source]
        if was_kept[shape.seconds] then
            if own and not unchanged[shape.seconds] then write(KEYS[first + i - 1], shape, own) end
        elseif finer then
            write(KEYS[first + i - 1], shape, added_up(finer, shape))
        end
    end
    for j, old in ipairs(olds) do
        local key = KEYS[first + #news + j - 1]
        if not is_new[key] and redis.call('UNLINK', key) == 1 and not is_kept[old.seconds] then
            dropped[j] = dropped[j] + 1
        end
    end
end

for first = 3, #KEYS, #news + 2 * #olds do
    rebuild(first)
end
return dropped
