-- The end of a move: its ring was added to the destination. What another move took meanwhile stays.
--
-- KEYS  1 moving
-- ARGV  1 the token of the move

if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
