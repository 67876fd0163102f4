-- Counts increments of one project into every rollup that still retains them: all of them, or none.
--
-- KEYS  1 state, 2 index, 3 claim, then for each series its rings, one a rollup, finest first
-- ARGV  1 the caller's clock (s), 2 claim value ('' = none), 3 claim's life (s),
--       then for each series: name, number of increments k, and k times: timestamp (s), amount
-- Returns 'new', 'closed' (the project may not be counted into), 'repeat' or 'conflict' (see claim)

if redis.call('EXISTS', KEYS[1]) == 0 then
    return 'closed'
end
if ARGV[2] ~= '' then
    local verdict = claim(KEYS[3], ARGV[2], ARGV[3])
    if verdict ~= 'new' then
        return verdict
    end
end

local now = math.min(tonumber(ARGV[1]), limit)
local at, ring = 4, 4
while ARGV[at] do
    local name, count = ARGV[at], tonumber(ARGV[at + 1])
    local times, amounts = {}, {}
    for i = 1, count do
        local time = tonumber(ARGV[at + 2 * i])
        times[i] = time > limit and clock or time
        amounts[i] = ARGV[at + 2 * i + 1]
    end
    local fresh = false
    for _, rollup in ipairs(ROLLUPS) do
        local oldest = math.floor(now / rollup.seconds) - rollup.samples
        local buckets, kept, n = {}, {}, 0
        for i = 1, count do
            local bucket = math.floor(times[i] / rollup.seconds)
            if bucket >= oldest then
                n = n + 1
                buckets[n], kept[n] = bucket, amounts[i]
            end
        end
        if n > 0 and ring_add(KEYS[ring], rollup, buckets, kept) then
            fresh = true
        end
        ring = ring + 1
    end
    if fresh then
        redis.call('SADD', KEYS[2], name)
    end
    at = at + 2 + 2 * count
end
return 'new'
