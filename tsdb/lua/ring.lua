-- Shared by every script that writes; it stands in front of each.
-- ROLLUPS and FUTURE are put in from tsdb/rollups.py: {seconds, samples, slots, ttl} of each rollup.

local WIDTH = 8
local floor = math.floor

-- Redis' own clock bounds the future: a clock that runs ahead must not wipe a ring.
local clock = tonumber(redis.call('TIME')[1])
local limit = clock + FUTURE

-- An empty ring whose newest bucket is `bucket`.
local function new_ring(key, rollup, bucket)
    redis.call('SET', key, struct.pack('>l', bucket) .. string.rep('\0', rollup.slots * WIDTH), 'EX', rollup.ttl)
end

local function zero(key, first, last)
    redis.call('SETRANGE', key, WIDTH * (first + 1), string.rep('\0', WIDTH * (last - first + 1)))
end

-- Makes `bucket` the newest one of the ring and empties the slots of the buckets in between.
local function advance(key, rollup, newest, bucket)
    local slots = rollup.slots
    if bucket - newest >= slots then
        return new_ring(key, rollup, bucket)
    end
    local first, last = (newest + 1) % slots, bucket % slots
    if first <= last then
        zero(key, first, last)
    else
        zero(key, first, slots - 1)
        zero(key, 0, last)
    end
    redis.call('SETRANGE', key, 0, struct.pack('>l', bucket))
    redis.call('EXPIRE', key, rollup.ttl)
end

-- Makes the ring reach `top` and returns its newest bucket, and whether the ring is new.
local function reach(key, rollup, top)
    local head = redis.call('GETRANGE', key, 0, WIDTH - 1)
    if #head == 0 then
        new_ring(key, rollup, top)
        return top, true
    end
    local newest = struct.unpack('>l', head)
    if top > newest then
        advance(key, rollup, newest, top)
        return top, false
    end
    return newest, false
end

-- Adds an amount (a decimal string) to one bucket, unless the ring holds it no more. Returns true when the ring is new.
local function ring_add_one(key, rollup, bucket, amount)
    local newest, fresh = reach(key, rollup, bucket)
    local slots = rollup.slots
    if bucket > newest - slots then
        redis.call('BITFIELD', key, 'OVERFLOW', 'SAT', 'INCRBY', 'i64', '#' .. (bucket % slots + 1), amount)
    end
    return fresh
end

-- Adds amounts[i] (a decimal string) to buckets[i], for each i. A bucket that the ring holds no more is passed over.
-- Returns true when the ring is new.
local function ring_add(key, rollup, buckets, amounts)
    local top = buckets[1]
    for i = 2, #buckets do
        if buckets[i] > top then top = buckets[i] end
    end
    local newest, fresh = reach(key, rollup, top)
    local slots = rollup.slots
    local oldest = newest - slots + 1
    local command, n = {'BITFIELD', key, 'OVERFLOW', 'SAT'}, 4
    for i = 1, #buckets do
        if buckets[i] >= oldest then
            command[n + 1], command[n + 2] = 'INCRBY', 'i64'
            command[n + 3], command[n + 4] = '#' .. (buckets[i] % slots + 1), amounts[i]
            n = n + 4
            if n > 4000 then  -- Lua unpacks some 8000 arguments at most
                redis.call(unpack(command))
                command, n = {'BITFIELD', key, 'OVERFLOW', 'SAT'}, 4
            end
        end
    end
    if n > 4 then
        redis.call(unpack(command))
    end
    return fresh
end

-- Is this id new? 'new', or 'repeat' (counted before, with the same value), or 'conflict' (with another).
local function claim(key, value, ttl)
    if redis.call('SET', key, value, 'NX', 'EX', ttl) then
        return 'new'
    end
    return redis.call('GET', key) == value and 'repeat' or 'conflict'
end

-- Adds to a running total, which never expires and never goes back.
local function add_to_total(field, amount)
    local added = redis.pcall('HINCRBY', KEYS[3], field, string.format('%.0f', amount))
    if type(added) == 'table' then  -- beyond 2^63 - 1 it stands still, as a ring's count does
        redis.call('HSET', KEYS[3], field, '9223372036854775807')
    end
end

-- Counts one increment of a series into every rollup that still retains it. Its rings stand in KEYS from `ring` on.
-- Returns whether one of them is new, and whether the coarsest counted it. What most events need, so it makes no tables.
local function count_one(time, amount, ring, now)
    local fresh, counted = false, false
    for i = 1, #ROLLUPS do
        local rollup = ROLLUPS[i]
        local seconds = rollup.seconds
        local bucket = floor(time / seconds)
        counted = bucket >= floor(now / seconds) - rollup.samples
        if counted and ring_add_one(KEYS[ring + i - 1], rollup, bucket, amount) then
            fresh = true
        end
    end
    return fresh, counted and tonumber(amount) or 0
end

-- The same of many increments: `count` pairs of timestamp and amount, in ARGV from `at` on.
local function count_many(count, at, ring, now)
    local times, amounts = {}, {}
    for i = 1, count do
        local time = tonumber(ARGV[at + 2 * i - 2])
        times[i] = time > limit and clock or time
        amounts[i] = ARGV[at + 2 * i - 1]
    end
    local fresh, sum = false, 0
    for place, rollup in ipairs(ROLLUPS) do
        sum = 0
        local oldest = floor(now / rollup.seconds) - rollup.samples
        local buckets, kept, n = {}, {}, 0
        for i = 1, count do
            local bucket = floor(times[i] / rollup.seconds)
            if bucket >= oldest then
                n = n + 1
                buckets[n], kept[n] = bucket, amounts[i]
                sum = sum + amounts[i]
            end
        end
        if n > 0 and ring_add(KEYS[ring + place - 1], rollup, buckets, kept) then
            fresh = true
        end
    end
    return fresh, sum
end

-- Counts one series. It stands in ARGV from `at` on (name, number of increments k, and k times: timestamp, amount) and
-- its rings in KEYS from `ring` on. Returns where the next series begins.
local function count_series(at, ring, now)
    local name, count = ARGV[at], tonumber(ARGV[at + 1])
    local fresh, sum
    if count == 1 then
        local time = tonumber(ARGV[at + 2])
        fresh, sum = count_one(time > limit and clock or time, ARGV[at + 3], ring, now)
    else
        fresh, sum = count_many(count, at + 2, ring, now)
    end
    if fresh then
        redis.call('SADD', KEYS[2], name)
    end
    -- What the coarsest rollup retained was counted; a series of totals is also a running total.
    if sum > 0 and string.sub(name, 1, 2) == 't:' then
        add_to_total(string.sub(name, 3), sum)
    end
    return at + 2 + 2 * count, ring + #ROLLUPS
end
