-- Decides and counts arrivals of one project that came together, each as if it had come alone, in their order. It checks
-- whether the caller knows the present version of the project, whether an event is new, and whether its key's quota is used
-- up. Then it counts all of an arrival or nothing of it. What arrivals count into the same series at the same time is added
-- up first, so each ring is written once.
--
-- Two things are remembered. The id of an event that was counted: if the event is sent again, the answer is the same, and
-- nothing is counted. The token of a submission whose event has no id or was refused: a second try after a lost answer gets
-- the same answer. A refusal is not remembered under the event's id, so the event can be sent again.
--
-- KEYS  1 state, 2 index, 3 running totals, then for each arrival the claims of its submission and of its event (the former
--       twice if it has no id), then the quotas, then for each series its rings, one a rollup, finest first; then, if there
--       are words that are not known, the sets of the project's categories and reasons
-- ARGV  1 the caller's clock (s), 2 the version of the project that the caller knows, 3 how long a submission's claim lasts
--       (s), 4 how long an event's claim lasts (s), 5 the most series of a project (0: no limit), 6 the number of arrivals,
--       7 of series, 8 of times, 9 of quotas, 10 of series with words that are not known, then the names of the series, the
--       times (s), the windows of the quotas (s), for each arrival where its kind begins, counted from the first kind, the
--       kinds, and those words (see new_words)
-- Arrivals of one kind differ in their claims only. A kind is the outcome if no quota refuses the event, its quota (0: none)
-- and the limit of that, and three lists: what is counted with that outcome, what is counted if the quota refuses the event,
-- and what is counted in any case. First stand their three lengths, then their increments, each a cell and an amount. A cell
-- is a series at a time: the series' number (from 1), plus MOST_SERIES times the number of the time (from 0).
-- Returns the outcomes of the arrivals, with spaces between them; the first one if an event or a submission came before. Or
-- 'stale', or the facts, categories and reasons that there is no room for. Then nothing was counted, and they must be counted
-- elsewhere

local MOST_SERIES = 1000000
local EXACT = 12  -- digits: sums of so many such amounts are exact in Lua
local arrivals, series = tonumber(ARGV[6]), tonumber(ARGV[7])
local FIRST_NAME = 11
local first_time = FIRST_NAME + series
local first_window = first_time + ARGV[8]
local first_arrival = first_window + ARGV[9]
local first_kind = first_arrival + arrivals
local first_quota = 4 + 2 * arrivals
local first_ring = first_quota + ARGV[9]

local found = call('MGET', KEYS[1], unpack(KEYS, 4, first_quota - 1))
if found[1] ~= ARGV[2] then
    return 'stale'
end
-- Outcomes by claim: of earlier calls, and of this one.
local taken = {}
for i = 1, 2 * arrivals do
    if found[i + 1] then
        taken[KEYS[i + 3]] = found[i + 1]
    end
end

-- How much of each quota was used before, and how much of it this call takes.
local used, took = {}, {}
local function is_used_up(quota, most)
    if not used[quota] then
        used[quota], took[quota] = tonumber(call('GET', KEYS[first_quota + quota - 1]) or 0), 0
    end
    return used[quota] + took[quota] >= most
end

-- All is decided before the first write, because a script that fails cannot take back what it wrote.
local outcomes, lives = {}, {}
local counted, refused = {}, {}  -- how many arrivals of each kind
for i = 1, arrivals do
    local submission, event = KEYS[2 + 2 * i], KEYS[3 + 2 * i]
    local outcome = taken[submission]
    if not outcome then
        outcome = taken[event]
        -- An earlier version remembered a refusal under the event's id too.
        outcome = outcome ~= 'rate_limited' and outcome
    end
    if not outcome then
        local claim, kind = event, ARGV[first_arrival + i - 1]
        local at = first_kind + kind
        local quota = ARGV[at + 1]
        if quota ~= '0' and is_used_up(quota, tonumber(ARGV[at + 2])) then
            refused[kind] = (refused[kind] or 0) + 1
            outcome, claim = 'rate_limited', submission
        else
            counted[kind] = (counted[kind] or 0) + 1
            outcome = ARGV[at]
            if quota ~= '0' then
                took[quota] = took[quota] + 1
            end
        end
        taken[claim], lives[claim] = outcome, claim == submission and ARGV[3] or ARGV[4]
    end
    outcomes[i] = outcome
end

-- The amounts by cell. Large amounts are not added up: pairs of cell and amount.
local sums, large = {}, nil
local function add(at, number, times)
    for place = at, at + 2 * number - 2, 2 do
        local cell, amount = ARGV[place], ARGV[place + 1]
        if #amount <= EXACT then
            sums[cell] = (sums[cell] or 0) + times * amount
        else
            large = large or {}
            for _ = 1, times do
                large[#large + 1] = {cell, amount}
            end
        end
    end
end
for kind, times in pairs(counted) do
    local at = first_kind + kind
    add(at + 6, ARGV[at + 3], times)
    add(at + 6 + 2 * (ARGV[at + 3] + ARGV[at + 4]), ARGV[at + 5], times)
end
for kind, times in pairs(refused) do
    local at = first_kind + kind
    add(at + 6 + 2 * ARGV[at + 3], ARGV[at + 4] + ARGV[at + 5], times)
end

local most, unknown = tonumber(ARGV[5]), tonumber(ARGV[10])
if unknown > 0 or series > room_for_series(most) then
    local names = {}
    for cell in pairs(sums) do
        names[cell % MOST_SERIES] = ARGV[FIRST_NAME - 1 + cell % MOST_SERIES]
    end
    for _, pair in ipairs(large or {}) do
        names[pair[1] % MOST_SERIES] = ARGV[FIRST_NAME - 1 + pair[1] % MOST_SERIES]
    end
    local refused, words = refusal(names, most, #ARGV - 3 * unknown + 1, unknown)
    if refused then
        return refused
    end
    note_words(words)
end

for claim, life in pairs(lives) do
    call('SET', claim, taken[claim], 'EX', life)
end
for quota, number in pairs(took) do
    local key = KEYS[first_quota + quota - 1]
    if number > 0 and call('INCRBY', key, number) == number then
        call('EXPIRE', key, ARGV[first_window + quota - 1])
    end
end
local now = math.min(tonumber(ARGV[1]), limit)
local function ring_of(one)
    return first_ring + (one - 1) * #ROLLUPS
end
if ARGV[8] == '1' and not large then  -- as nearly always
    local time = bounded(ARGV[first_time])
    for one, sum in pairs(sums) do
        note_counted(ARGV[FIRST_NAME - 1 + one], count_one(time, sum, ring_of(one), now))
    end
    return table.concat(outcomes, ' ')
end
local times, amounts = {}, {}
local function collect(cell, amount)
    local one = cell % MOST_SERIES
    if not times[one] then
        times[one], amounts[one] = {}, {}
    end
    table.insert(times[one], bounded(ARGV[first_time + floor(cell / MOST_SERIES)]))
    table.insert(amounts[one], amount)
end
for cell, sum in pairs(sums) do
    collect(cell, sum)
end
for _, pair in ipairs(large or {}) do
    collect(pair[1], pair[2])
end
for one in pairs(times) do
    note_counted(ARGV[FIRST_NAME - 1 + one], count_many(times[one], amounts[one], ring_of(one), now))
end
return table.concat(outcomes, ' ')
