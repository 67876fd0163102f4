-- Counts increments of one project into every rollup that still retains them: all of them or none.
--
-- KEYS  1 state, 2 index, 3 running totals, 4 claim, then for each series its rings, one a rollup, finest first; then, if
--       there are words that are not known, the sets of the project's categories and reasons
-- ARGV  1 the caller's clock (s), 2 the value of the claim ('' = no claim), 3 how long the claim lasts (s), 4 the most
--       series of a project (0: no limit), 5 the number of series with words that are not known, then those words (see
--       new_words), then for each series: name, number of increments k, and k times: timestamp (s), amount
-- Returns 'new'; 'closed' (the project may not be counted into, or has other rings); 'repeat' or 'conflict' (see claim); or
-- the facts, categories and reasons that there is no room for. Then nothing was counted, and they must be counted elsewhere

if not is_open(redis.call('GET', KEYS[1])) then
    return 'closed'
end
-- This comes before the first write, because a script cannot take back what it wrote.
local most, unknown = tonumber(ARGV[4]), tonumber(ARGV[5])
local first, words = 6 + 3 * unknown, nil
if unknown > 0 or (#KEYS - 4) / #ROLLUPS > room_for_series(most) then
    local names, at = {}, first
    while ARGV[at] do
        names[#names + 1] = ARGV[at]
        at = at + 2 + 2 * tonumber(ARGV[at + 1])
    end
    local refused
    refused, words = refusal(names, most, 6, unknown)
    if refused then
        return refused
    end
end
if ARGV[2] ~= '' then
    local verdict = claim(KEYS[4], ARGV[2], ARGV[3])
    if verdict ~= 'new' then
        return verdict
    end
end

if words then
    note_words(words)
end
local now = math.min(tonumber(ARGV[1]), limit)
local at, ring = first, 5
while ARGV[at] do
    local name, count = ARGV[at], tonumber(ARGV[at + 1])
    if count == 1 then
        note_counted(name, count_one(bounded(ARGV[at + 2]), ARGV[at + 3], ring, now))
    else
        local times, amounts = {}, {}
        for i = 1, count do
            times[i], amounts[i] = bounded(ARGV[at + 2 * i]), ARGV[at + 2 * i + 1]
        end
        note_counted(name, count_many(times, amounts, ring, now))
    end
    at, ring = at + 2 + 2 * count, ring + #ROLLUPS
end
return 'new'
