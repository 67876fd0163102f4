-- Functions of the scripts that look at budgets (tsdb/budgets.py). This text stands behind ring.lua.

-- Returns two functions: used_between, open_window. They are made only where they are needed, because making them takes
-- time: Lua looks for every local of the script that they use.
local function budget_functions()
    -- Returns what a ring counted from `start` to before `until_` (s), each of which begins a bucket. It is not exact
    -- above 2^53.
    local function used_between(key, rollup, start, until_)
        local head = head_of(key)
        if #head == 0 then
            return 0
        end
        local seconds, slots, newest = rollup.seconds, rollup.slots, struct.unpack('>l', head)
        local first = math.max(start / seconds, newest - slots + 1)
        -- A ring that lies ahead of Redis' clock is pulled back before it counts.
        local last = math.min(until_ / seconds - 1, newest, floor(limit / seconds))
        local sum = 0
        while first <= last do
            local slot = first % slots
            local number = math.min(last - first + 1, slots - slot)  -- up to the ring's end
            local counts = call('GETRANGE', key, WIDTH * (slot + 1), WIDTH * (slot + 1 + number) - 1)
            for i = 0, number - 1 do
                sum = sum + struct.unpack('>l', counts, WIDTH * i + 1)
            end
            first = first + number
        end
        return sum
    end

    -- Returns the day on which the month of a day began. Both are counted from the epoch.
    local function month_of(day)
        -- The calendar repeats itself every 400 years, which are counted from the first of March here.
        local of_era = (day + 719468) % 146097
        local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
        local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
        local month = floor((5 * of_year + 2) / 153)
        return day - of_year + floor((153 * month + 2) / 5)
    end

    -- Returns the start and the end of the window of `window` seconds (0: the calendar month) in which `now` (s) lies.
    local function open_window(window, now)
        if window > 0 then
            local start = now - now % window
            return start, start + window
        end
        local first = month_of(floor(now / 86400))
        return first * 86400, month_of(first + 31) * 86400
    end

    return used_between, open_window
end
