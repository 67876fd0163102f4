-- Forgets a ring of an interrupted move that had arrived already, unless another move has taken one since.
--
-- KEYS  1 the ring (moving)
-- ARGV  1 the token of the interrupted move

if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
