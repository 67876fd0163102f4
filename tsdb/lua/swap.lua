-- Changes a project's state, unless another process has changed it.
--
-- KEYS  1 state, 2 index, 3 running totals
-- ARGV  1 the state that it must be in ('' = none), 2 the new state ('' = none), 3 '1': only while it has keys
-- Returns 'done', 'other' (it is in another state, or lacks the keys), or 'full' (it was to be opened, but has keys without
-- a state)

local state = redis.call('GET', KEYS[1]) or ''
if state ~= ARGV[1] then
    return 'other'
end
local has_keys = redis.call('EXISTS', KEYS[2], KEYS[3]) > 0
if state == '' and has_keys and string.sub(ARGV[2], 1, 5) == 'open ' then
    return 'full'
end
if ARGV[3] == '1' and not has_keys then
    return 'other'
end
if ARGV[2] == '' then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], ARGV[2])
end
return 'done'
