-- The second half of a move: adds a ring's buckets to the same rollup of another series, once for each token.
--
-- KEYS  1 state, 2 index, 3 claim, 4 ring, 5 and 6 the sets of the project's categories and reasons
-- ARGV  1 number of the rollup, 2 the value of the claim, 3 how long the claim lasts (s), 4 the series' name, 5 the merge
--       that the project must be in the middle of ('from:7:<version>'; '' = any state in which rings may be moved), 6 and 7
--       the series' category and reason ('' for a known one), then pairs: bucket, amount
-- Returns 'new', 'repeat', or 'closed' (its rings may not be moved)

-- The claim says that the ring has arrived. A reset of the project deletes it, so the state is compared as well: a late move
-- must not add the ring once more.
local state = redis.call('GET', KEYS[1])
if not may_move(state) or (ARGV[5] ~= '' and string.match(state, '^merging %S+ (%S+) ') ~= ARGV[5]) then
    return 'closed'
end
if claim(KEYS[3], ARGV[2], ARGV[3]) ~= 'new' then
    return 'repeat'
end
local buckets, amounts, n = {}, {}, 0
for i = 8, #ARGV, 2 do
    n = n + 1
    buckets[n], amounts[n] = tonumber(ARGV[i]), ARGV[i + 1]
end
if n > 0 and ring_add(KEYS[4], ROLLUPS[tonumber(ARGV[1])], buckets, amounts) then
    redis.call('SADD', KEYS[2], ARGV[4])
    note_words({{ARGV[6] ~= '' and ARGV[6] or nil}, {ARGV[7] ~= '' and ARGV[7] or nil}})
end
return 'new'
