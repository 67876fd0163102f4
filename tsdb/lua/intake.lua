-- Decides and counts arrivals of one project that came together, each as if it had come alone, in their order. It checks
-- whether the caller knows the present version of the project, whether an event is new, whether its key's quota is used up,
-- and whether the project's budgets have room. Then it counts all of an arrival or nothing of it. What arrivals count into
-- the same series at the same time is added up first, so each ring is written once.
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
--       7 of series, 8 of times, 9 of quotas, 10 of series with words that are not known, 11 of budgets, then the names of
--       the series, the times (s), the windows of the quotas (s), the budgets, for each arrival where its kind begins,
--       counted from the first kind, the kinds, and those words (see new_words)
-- A budget is a text of four numbers: that of the series that it is used by, that of the rollup that its use is read
-- from, its limit, and its window (s; 0: the month).
-- Arrivals of one kind differ in their claims only. A kind is the outcome if nothing refuses the event, its quota (0: none)
-- and the limit of that, and three lists: what is counted with that outcome, what is counted if the quota refuses the event,
-- and what is counted in any case. First stand their three lengths and the number of parts, then their increments, each a
-- cell and an amount. A cell is a series at a time: the series' number (from 1), plus MOST_SERIES times the number of the
-- time (from 0). Then come the parts.
-- A part is counted as a whole, or refused as a whole if one of its budgets has too little room in the window in which
-- its first increment lies. First stands a text:
--   what it is: 'event', 'beside' the event, 'item', or 'only', an item of an arrival that is refused if all parts are
--   the lengths of two lists: what is counted if it is taken, and what is counted if it is refused (-1: not sent)
--   the budgets that it asks, each as its number, a colon and an amount
-- Then come the increments of both lists.
-- Returns a word for each arrival, with spaces between them; an event or a submission that came before gets the same
-- word again. A word is the outcome, or 'project_quota' for one that budgets refused. For each budget that refused
-- something follow a comma, its category, '@', and the end of its window by the caller's clock (s; 0 for a limit of 0).
-- Or 'stale', or 'refusals' if a list is needed that was not sent, or the facts, categories and reasons that there is no
-- room for. Then nothing was counted, and the arrivals must be sent again, with these lists or with other series

local MOST_SERIES = 1000000
local EXACT = 12  -- digits: sums of so many such amounts are exact in Lua
local arrivals, series = tonumber(ARGV[6]), tonumber(ARGV[7])
local FIRST_NAME = 12
local first_time = FIRST_NAME + series
local first_window = first_time + ARGV[8]
local first_budget = first_window + ARGV[9]
local first_arrival = first_budget + ARGV[11]
local first_kind = first_arrival + arrivals
local first_quota = 4 + 2 * arrivals
local first_ring = first_quota + ARGV[9]

local found = call('MGET', KEYS[1], unpack(KEYS, 4, first_quota - 1))
if found[1] ~= ARGV[2] then
    return 'stale'
end
-- Words by claim: of earlier calls, and of this one.
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

-- The parts of kinds, and a function that decides those of an arrival. Calls without budgets need neither.
local parts_of, decide_parts = {}, nil
if ARGV[11] ~= '0' then
    decide_parts = (function()
        local used_between, open_window = budget_functions()

        -- What is left of each budget in a window, once what was used before and what this call takes are taken off.
        local rooms = {}

        -- Returns what a part asks for at a time: how much of which room, and what is said if the budget refuses it.
        local function ask_of(budget, amount, time)
            local text = ARGV[first_budget + budget - 1]
            local series, rollup, most, window = string.match(text, '(%d+) (%d+) (%d+) (%d+)')
            local now = bounded(time)
            local start, until_ = open_window(tonumber(window), now)
            local name = budget .. ':' .. start
            if not rooms[name] then
                local ring = first_ring + (series - 1) * #ROLLUPS + rollup - 1
                rooms[name] = {left = most - used_between(KEYS[ring], ROLLUPS[tonumber(rollup)], start, until_)}
            end
            return {
                room = rooms[name], amount = tonumber(amount), series = tonumber(series),
                ends = most == '0' and 0 or until_ + time - now
            }
        end

        local function said(ask)
            local category = string.match(ARGV[FIRST_NAME - 1 + ask.series], '^t:(.*):')
            return string.format(',%s@%.0f', category, ask.ends)
        end

        -- Reads the parts of a kind.
        local function read_parts(kind)
            local at, parts = first_kind + kind, {}
            local place = at + 7 + 2 * (ARGV[at + 3] + ARGV[at + 4] + ARGV[at + 5])
            for i = 1, tonumber(ARGV[at + 6]) do
                local what, counted, refused, asked = string.match(ARGV[place], '(%a+) (%d+) (%-?%d+) (.+)')
                local first = place + 1
                local time = tonumber(ARGV[first_time + floor(ARGV[first] / MOST_SERIES)])
                local part, n = {what = what, first = first, times_counted = 0, times_refused = 0}, 0
                part.counted, part.refused = tonumber(counted), tonumber(refused)
                for budget, amount in string.gmatch(asked, '(%d+):(%d+)') do
                    n = n + 1
                    part[n] = ask_of(tonumber(budget), amount, time)
                end
                parts[i] = part
                place = first + 2 * (part.counted + math.max(part.refused, 0))
            end
            return parts
        end

        -- Decides the parts of an arrival, after its key's quota. Returns whether budgets refuse its event, or all of it if
        -- it has none; what is said of the budgets that refuse something; and whether a list is needed that was not sent.
        return function(kind, is_over_quota)
            local parts = parts_of[kind]
            if not parts then
                parts = read_parts(kind)
                parts_of[kind] = parts
            end
            local told, is_refused, is_only, is_kept = '', false, false, false
            for i = 1, #parts do
                local part = parts[i]
                local what = part.what
                is_only = is_only or what == 'only'
                if what == 'item' or what == 'only' or not is_over_quota then
                    local refuses = what == 'beside' and is_refused
                    for j = 1, refuses and 0 or #part do
                        if part[j].amount > part[j].room.left then
                            refuses, told = true, told .. said(part[j])
                        end
                    end
                    if not refuses then
                        for j = 1, #part do
                            local room = part[j].room
                            room.left = room.left - part[j].amount
                        end
                        part.times_counted, is_kept = part.times_counted + 1, true
                    elseif part.refused < 0 then
                        return nil, nil, true
                    else
                        part.times_refused = part.times_refused + 1
                        is_refused = is_refused or what == 'event'
                    end
                end
            end
            return is_refused or is_only and not is_kept, told
        end
    end)()
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
        local is_over_quota = quota ~= '0' and is_used_up(quota, tonumber(ARGV[at + 2]))
        local is_over_budget, said, lacks = false, '', false
        if ARGV[at + 6] ~= '0' then
            is_over_budget, said, lacks = decide_parts(kind, is_over_quota)
            if lacks then
                return 'refusals'
            end
        end
        if is_over_quota then
            refused[kind] = (refused[kind] or 0) + 1
            outcome, claim = 'rate_limited' .. said, submission
        else
            counted[kind] = (counted[kind] or 0) + 1
            if is_over_budget then
                outcome, claim = 'project_quota' .. said, submission
            else
                outcome = ARGV[at] .. said
                if quota ~= '0' then
                    took[quota] = took[quota] + 1
                end
            end
        end
        taken[claim], lives[claim] = outcome, claim == submission and ARGV[3] or ARGV[4]
    end
    outcomes[i] = outcome
end

-- The amounts by cell. Large amounts are not added up: pairs of cell and amount.
local sums, large = {}, nil
local function add(at, number, times)
    if times == 0 then
        return
    end
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
    add(at + 7, ARGV[at + 3], times)
    add(at + 7 + 2 * (ARGV[at + 3] + ARGV[at + 4]), ARGV[at + 5], times)
end
for kind, times in pairs(refused) do
    local at = first_kind + kind
    add(at + 7 + 2 * ARGV[at + 3], ARGV[at + 4] + ARGV[at + 5], times)
end
for _, parts in pairs(parts_of) do
    for _, part in ipairs(parts) do
        add(part.first, part.counted, part.times_counted)
        add(part.first + 2 * part.counted, part.refused, part.times_refused)
    end
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
