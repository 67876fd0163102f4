-- Functions that the scripts share. This text stands in front of every script (tsdb/scripts.py).
--
-- Python puts these in front of it: ROLLUPS, {seconds, samples, slots, ttl} of each rollup; FUTURE and PAST, in seconds;
-- SHAPES, the shapes of the rings as a state names them (tsdb/state.py); WIDTH, the bytes of a count; LARGEST, the largest
-- count as a decimal string; MOST_WORDS, how many categories and reasons that are not known a project has room for;
-- UNKNOWN_SHARE, which part of a project's series leaves room for facts with such words (tsdb/room.py).

local MOST_ARGUMENTS = 4000  -- of one command: Lua unpacks some 8000 at most
local floor, call, KEYS, ARGV = math.floor, redis.call, KEYS, ARGV  -- Lua finds a local faster than a global

-- Redis' own clock bounds the future, so that a clock that runs ahead cannot erase a ring.
local clock = tonumber(call('TIME')[1])
local limit = clock + FUTURE

-- Writes an empty ring whose newest bucket is `bucket`.
local function new_ring(key, rollup, bucket)
    -- SETRANGE fills the ring with zeros. A SET would carry all zeros through Lua and the AOF, and take twice as long.
    call('DEL', key)
    call('SETRANGE', key, (rollup.slots + 1) * WIDTH - 1, '\0')
    call('SETRANGE', key, 0, struct.pack('>l', bucket))
    call('EXPIRE', key, rollup.ttl)
end

-- Returns whether the project may be counted into by a process that keeps rings of these shapes.
local function is_open(state)
    local start = 'open ' .. SHAPES .. ' '
    return state and string.sub(state, 1, #start) == start
end

-- Returns whether rings of the project may be moved: it is open, closed or in the middle of a merge.
local function may_move(state)
    local phase, shapes = string.match(state or '', '^(%a+) (%S+) ')
    return shapes == SHAPES and (phase == 'open' or phase == 'closed' or phase == 'merging')
end

-- Returns the oldest bucket of the rollup that is retained at `now`, as Rollup.oldest_bucket does.
local function oldest_bucket(rollup, now)
    return floor((now - PAST) / rollup.seconds) - rollup.samples
end

-- Notes in the project's state that the resolution of `seconds` is complete only since that instant (s).
local function note_filled(seconds, since)
    local start, filled = string.match(call('GET', KEYS[1]) or '', '^(%a+ %S+ %S+) (%S+)$')
    if not start then
        return
    end
    local kept = {}
    for other, instant in string.gmatch(filled, '(%d+)=(%d+)') do
        if tonumber(other) ~= seconds then
            kept[#kept + 1] = other .. '=' .. instant
        elseif tonumber(instant) >= since then
            return
        end
    end
    kept[#kept + 1] = string.format('%d=%d', seconds, since)
    call('SET', KEYS[1], start .. ' ' .. table.concat(kept, ','))
end

local function zero_slots(key, first, last)
    call('SETRANGE', key, WIDTH * (first + 1), string.rep('\0', WIDTH * (last - first + 1)))
end

-- Empties the slots of the buckets `first` to `last`, fewer than the ring has.
local function zero(key, slots, first, last)
    first, last = first % slots, last % slots
    if first <= last then
        zero_slots(key, first, last)
    else
        zero_slots(key, first, slots - 1)
        zero_slots(key, 0, last)
    end
end

-- Makes `bucket` the newest bucket of the ring, and empties the slots of the buckets in between.
local function advance(key, rollup, newest, bucket)
    local slots = rollup.slots
    if bucket - newest >= slots then
        return new_ring(key, rollup, bucket)
    end
    zero(key, slots, newest + 1, bucket)
    call('SETRANGE', key, 0, struct.pack('>l', bucket))
    call('EXPIRE', key, rollup.ttl)
end

-- Takes back a ring that a clock which ran ahead has moved into the future, where it would refuse the present. The buckets
-- of the past that it still holds stay. Those that the future pushed out are lost at this resolution, and the state says so.
-- Returns the newest bucket.
local function pull_back(key, rollup, newest)
    local seconds, slots = rollup.seconds, rollup.slots
    local last = floor(limit / seconds)
    local lost = newest - last
    if lost >= slots then
        new_ring(key, rollup, last)
    else
        zero(key, slots, last + 1, newest)
        call('SETRANGE', key, 0, struct.pack('>l', last))
        call('EXPIRE', key, rollup.ttl)
    end
    note_filled(seconds, math.min(newest - slots + 1, floor(clock / seconds) + 1) * seconds)
    return last
end

-- Returns the start of a ring, which names its newest bucket; '' if there is no ring.
local function head_of(key)
    return call('GETRANGE', key, 0, WIDTH - 1)
end

-- Notes in the state if a ring whose newest bucket lies ahead of the caller's clock has lost buckets that would still be
-- retained.
local function note_lost(key, rollup, now)
    local head = head_of(key)
    if #head == 0 then
        return
    end
    local newest = struct.unpack('>l', head)
    if newest > floor(limit / rollup.seconds) then
        newest = pull_back(key, rollup, newest)
    end
    if newest - rollup.slots + 1 > oldest_bucket(rollup, now) then
        note_filled(rollup.seconds, (newest - rollup.slots + 1) * rollup.seconds)
    end
end

-- Makes the ring, which starts with `head`, reach the bucket `top`. Returns its newest bucket, and whether the ring is new.
local function reach(key, head, rollup, top)
    if #head == 0 then
        new_ring(key, rollup, top)
        return top, true
    end
    local newest = struct.unpack('>l', head)
    if newest > floor(limit / rollup.seconds) then
        newest = pull_back(key, rollup, newest)
    end
    if top > newest then
        advance(key, rollup, newest, top)
        return top, false
    end
    return newest, false
end

-- Adds amounts[i] (a decimal string, or a number below 2^53) to buckets[i], for each i. Skips buckets that the ring no longer
-- holds. Returns whether the ring is new.
local function ring_add(key, rollup, buckets, amounts)
    local top = buckets[1]
    for i = 2, #buckets do
        if buckets[i] > top then top = buckets[i] end
    end
    local newest, fresh = reach(key, head_of(key), rollup, top)
    local slots = rollup.slots
    local oldest = newest - slots + 1
    local command, n = {'BITFIELD', key, 'OVERFLOW', 'SAT'}, 4
    for i = 1, #buckets do
        if buckets[i] >= oldest then
            command[n + 1], command[n + 2] = 'INCRBY', 'i64'
            command[n + 3], command[n + 4] = 8 * WIDTH * (buckets[i] % slots + 1), amounts[i]
            n = n + 4
            if n > MOST_ARGUMENTS then
                call(unpack(command))
                command, n = {'BITFIELD', key, 'OVERFLOW', 'SAT'}, 4
            end
        end
    end
    if n > 4 then
        call(unpack(command))
    end
    return fresh
end

-- Takes a claim for `ttl` seconds. Returns 'new', 'repeat' if it was taken before with the same value, or 'conflict' if it
-- was taken with another value.
local function claim(key, value, ttl)
    if call('SET', key, value, 'NX', 'EX', ttl) then
        return 'new'
    end
    return call('GET', key) == value and 'repeat' or 'conflict'
end

-- Returns how many more series the project may have. It has `most` at most; 0 means that it has no limit.
local function room_for_series(most)
    return most == 0 and math.huge or most - call('SCARD', KEYS[2])
end

-- Returns the words of the series in `names` that the project does not have yet: categories and reasons, in two lists. Which
-- words are not known to Python stand in ARGV from `first` on, `number` times: a series' number, its category and its
-- reason ('' for a known one). The last two KEYS are the sets of the project's words, if there are any such words.
local function new_words(names, first, number)
    local new, seen = {{}, {}}, {{}, {}}
    for at = first, first + 3 * number - 3, 3 do
        if names[tonumber(ARGV[at])] then
            for kind = 1, 2 do
                local word = ARGV[at + kind]
                if word ~= '' and not seen[kind][word] then
                    seen[kind][word] = true
                    if call('SISMEMBER', KEYS[#KEYS - 2 + kind], word) == 0 then
                        table.insert(new[kind], word)
                    end
                end
            end
        end
    end
    return new
end

-- Returns those of the new words that the project has no room for, in two lists; nil if it has room for all.
local function refused_words(new)
    local refused = {{}, {}}
    for kind = 1, 2 do
        if #new[kind] > 0 then
            local room = math.max(0, MOST_WORDS[kind] - call('SCARD', KEYS[#KEYS - 2 + kind]))
            for i = room + 1, #new[kind] do
                table.insert(refused[kind], new[kind][i])
            end
        end
    end
    return (#refused[1] > 0 or #refused[2] > 0) and refused or nil
end

-- Notes that the project has these words from now on.
local function note_words(new)
    for kind = 1, 2 do
        if #new[kind] > 0 then
            call('SADD', KEYS[#KEYS - 2 + kind], unpack(new[kind]))
        end
    end
end

-- Returns whether there is always room for a fact: those under no key with the reason `other` or `none` are few, as totals and
-- environments are. So are the filtered errors under no key, if their reasons are known.
local function is_spare(name, unknown)
    local drop, reason = string.match(name, '^f:0:([^:]+:[^:]+):(.+)$')
    return reason == 'other' or reason == 'none' or drop == 'error:filtered' and not unknown
end

-- Returns the numbers of the facts that the project has no room for; nil if it has room for all. `names` holds the names of
-- the series that are going to be counted, by their numbers. `unknown` says which of them have words that are not known. The
-- project may have `most` series, and for facts with such words fewer.
local function facts_without_room(names, most, unknown)
    local new, made_up = {}, {}
    for number, name in pairs(names) do
        if string.sub(name, 1, 2) == 'f:' and not is_spare(name, unknown[number])
            and call('SISMEMBER', KEYS[2], name) == 0 then
            new[#new + 1] = number
            if unknown[number] then
                made_up[#made_up + 1] = number
            end
        end
    end
    if #new > 0 and #new > room_for_series(most) then
        return new
    end
    return #made_up > 0 and #made_up > room_for_series(math.ceil(most / UNKNOWN_SHARE)) and made_up or nil
end

-- Returns what there is no room for, as the script answers it: facts, categories, reasons; or nil, and the new words, which
-- must be noted with the first write. Words come first, because without them a series has another name.
local function refusal(names, most, first, number)
    local new = new_words(names, first, number)
    local words = refused_words(new)
    if words then
        return {{}, words[1], words[2]}
    end
    if most == 0 then
        return nil, new
    end
    local unknown = {}
    for at = first, first + 3 * number - 3, 3 do
        unknown[tonumber(ARGV[at])] = true
    end
    local facts = facts_without_room(names, most, unknown)
    return facts and {facts, {}, {}}, new
end

-- Adds to a running total, which never expires and never decreases.
local function add_to_total(field, amount)
    local added = redis.pcall('HINCRBY', KEYS[3], field, string.format('%.0f', amount))
    if type(added) == 'table' then  -- it stops at the largest count, as the count in a ring does
        call('HSET', KEYS[3], field, LARGEST)
    end
end

-- Returns the time that counts for a timestamp.
local function bounded(timestamp)
    local time = tonumber(timestamp)
    return time > limit and clock or time
end

-- Where an increment at a time belongs, by rollup: its bucket (false: no longer retained), the head of a ring whose newest
-- bucket this is, and the bucket's place in the ring, in bits. Most calls count at one time only.
local placed_time, buckets, heads, offsets = nil, {}, {}, {}
local function place(time, now)
    placed_time = time
    for i = 1, #ROLLUPS do
        local rollup = ROLLUPS[i]
        local bucket = floor(time / rollup.seconds)
        buckets[i] = bucket >= oldest_bucket(rollup, now) and bucket
        heads[i] = struct.pack('>l', bucket)
        offsets[i] = 8 * WIDTH * (bucket % rollup.slots + 1)
    end
end

-- Counts one increment of a series into every rollup that still retains it: `amount`, a decimal string or a number below
-- 2^53, at `time`, which is `bounded`. The rings stand in KEYS from `ring` on. `now` is the same in all of a script. Returns
-- whether one of the rings is new, and how much the coarsest rollup counted. Most events need only this, so it is short.
local function count_one(time, amount, ring, now)
    if time ~= placed_time then
        place(time, now)
    end
    local fresh = false
    for i = 1, #ROLLUPS do
        local bucket = buckets[i]
        if bucket then
            local key, rollup = KEYS[ring + i - 1], ROLLUPS[i]
            local head = head_of(key)
            local newest, is_new = bucket, false
            if head ~= heads[i] then
                newest, is_new = reach(key, head, rollup, bucket)
                fresh = fresh or is_new
            end
            if bucket > newest - rollup.slots then
                call('BITFIELD', key, 'OVERFLOW', 'SAT', 'INCRBY', 'i64', offsets[i], amount)
            end
        end
    end
    return fresh, buckets[#ROLLUPS] and tonumber(amount) or 0
end

-- Counts many increments of a series as count_one does: amounts[i] at times[i], for each i.
local function count_many(times, amounts, ring, now)
    local fresh, sum = false, 0
    for place, rollup in ipairs(ROLLUPS) do
        sum = 0
        local oldest = oldest_bucket(rollup, now)
        local buckets, kept, n = {}, {}, 0
        for i = 1, #times do
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

-- Notes that a series was counted: in the index if one of its rings is new, and in the running totals what the coarsest
-- rollup counted. These are by category and outcome, and for what was not accepted also by reason, over all keys.
local function note_counted(name, fresh, sum)
    if fresh then
        call('SADD', KEYS[2], name)
    end
    if sum > 0 then
        if string.sub(name, 1, 2) == 't:' then
            add_to_total(string.sub(name, 3), sum)
        else
            local drop, outcome = string.match(name, '^f:%d+:([^:]+:([^:]+):.+)$')
            if drop and outcome ~= 'accepted' then
                add_to_total(drop, sum)
            end
        end
    end
end
