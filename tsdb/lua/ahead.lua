-- Checks rings that a read found ahead of its clock. Takes a ring back whose newest bucket lies in the future by Redis' own
-- clock too, and notes in the state since when the resolution is complete.
--
-- KEYS  1 state, 2 index, 3 running totals, then for each series its rings, one a rollup, finest first
-- ARGV  1 the caller's clock (s)

local now = tonumber(ARGV[1])
for i = 4, #KEYS do
    note_lost(KEYS[i], ROLLUPS[(i - 4) % #ROLLUPS + 1], now)
end
