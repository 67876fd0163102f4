-- The second half of a move: adds a ring's buckets to the same rollup of another series, once for each token.
--
-- KEYS  1 state, 2 index, 3 claim, 4 ring
-- ARGV  1 which rollup, 2 claim value, 3 claim's life (s), 4 the series' name, then pairs: bucket, amount
-- Returns 'new', 'repeat', or 'closed' (its rings may not be moved)

if not may_move(redis.call('GET', KEYS[1])) then
    return 'closed'
end
if claim(KEYS[3], ARGV[2], ARGV[3]) ~= 'new' then
    return 'repeat'
end
local buckets, amounts, n = {}, {}, 0
for i = 5, #ARGV, 2 do
    n = n + 1
    buckets[n], amounts[n] = tonumber(ARGV[i]), ARGV[i + 1]
end
if n > 0 and ring_add(KEYS[4], ROLLUPS[tonumber(ARGV[1])], buckets, amounts) then
    redis.call('SADD', KEYS[2], ARGV[4])
end
return 'new'
