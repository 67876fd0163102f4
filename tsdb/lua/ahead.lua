-- Looks at rings that a read found ahead of its clock: takes back what lies in the future by Redis' clock too, and notes in
-- the state since when their resolution is complete.
--
-- KEYS  1 state, 2 index, 3 running totals, then for each series its rings, one a rollup, finest first
-- ARGV  1 the caller's clock (s)

local now = tonumber(ARGV[1])
for i = 4, #KEYS do
    note_lost(KEYS[i], ROLLUPS[(i - 4) % #ROLLUPS + 1], now)
end
