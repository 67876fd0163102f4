-- Deletes a ring that an interrupted move left behind and that had arrived, unless another move has taken one since.
--
-- KEYS  1 the moving ring
-- ARGV  1 the token of the interrupted move

if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
