-- Takes tokens for many calls, one after the other, each of them wholly or not at all. Gives the wait of each call in
-- milliseconds: 0 when it has taken. A script is atomic, so nobody else takes meanwhile.
--   KEYS   the buckets, each once. All carry one hash tag, so that in a cluster they are in one place.
--   ARGV   1: the time in seconds, for tests; '' for the server's clock, and only then do full buckets expire.
--          Then for each call: how many tokens, and for each of them: which of KEYS, rate per second, capacity.
-- The formula and its twins: Bucket in core/gatetrail/gates/bucket.py, gatetrail_take in migrations/0011_rate_buckets.sql.
local ENOUGH = 1.0 - 1e-9
local LONGEST_MS = 1e13

local at_s = tonumber(ARGV[1])
local now_s = at_s
if not now_s then
    local time = redis.call('TIME')
    now_s = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local buckets = {}

local function level(bucket, moment_s)
    local elapsed_s = moment_s - bucket.then_s
    if elapsed_s <= 0 then
        return bucket.tokens
    end
    return math.min(bucket.capacity, bucket.tokens + elapsed_s * bucket.rate_per_s)
end

local function wait_ms_of(bucket)
    local now_in = level(bucket, now_s)
    if now_in >= ENOUGH then
        return 0
    end
    local behind_s = math.max(0, bucket.then_s - now_s)
    local wait_ms = math.max(1, math.ceil((behind_s + (1 - now_in) / bucket.rate_per_s) * 1000))
    while level(bucket, now_s + wait_ms / 1000) < ENOUGH do
        wait_ms = wait_ms + 1
    end
    while wait_ms > 1 and level(bucket, now_s + (wait_ms - 1) / 1000) >= ENOUGH do
        wait_ms = wait_ms - 1
    end
    return wait_ms
end

local function found(number, rate_per_s, capacity)
    local bucket = buckets[number]
    if not bucket then
        local stored = redis.call('GET', KEYS[number])
        if stored then
            local tokens, then_s, old_rate_per_s, old_capacity = struct.unpack('<dddd', stored)
            bucket = {tokens = tokens, then_s = then_s, rate_per_s = old_rate_per_s, capacity = old_capacity}
        else
            bucket = {tokens = capacity, then_s = 0, rate_per_s = rate_per_s, capacity = capacity, changed = true}
        end
        buckets[number] = bucket
    end
    if bucket.rate_per_s ~= rate_per_s or bucket.capacity ~= capacity then
        bucket.tokens = math.min(level(bucket, now_s), capacity)
        bucket.then_s = math.max(now_s, bucket.then_s)
        bucket.rate_per_s = rate_per_s
        bucket.capacity = capacity
        bucket.changed = true
    end
    return bucket
end

local waits = {}
local position = 2
while position <= #ARGV do
    local wanted = {}
    local wait_ms = 0
    local count = tonumber(ARGV[position])
    position = position + 1
    for one = 1, count do
        local bucket = found(tonumber(ARGV[position]), tonumber(ARGV[position + 1]), tonumber(ARGV[position + 2]))
        position = position + 3
        wanted[one] = bucket
        wait_ms = math.max(wait_ms, wait_ms_of(bucket))
    end
    if wait_ms == 0 then
        for _, bucket in ipairs(wanted) do
            bucket.tokens = math.max(0, level(bucket, now_s) - 1)
            bucket.then_s = math.max(now_s, bucket.then_s)
            bucket.changed = true
        end
    end
    waits[#waits + 1] = wait_ms
end

for number, bucket in pairs(buckets) do
    if bucket.changed then
        local stored = struct.pack('<dddd', bucket.tokens, bucket.then_s, bucket.rate_per_s, bucket.capacity)
        if at_s then
            redis.call('SET', KEYS[number], stored)
        else
            local full_s = math.max(0, bucket.then_s - now_s) + (bucket.capacity - bucket.tokens) / bucket.rate_per_s
            local full_ms = math.min(math.max(1, math.ceil(full_s * 1000) + 1), LONGEST_MS)
            redis.call('SET', KEYS[number], stored, 'PX', string.format('%.0f', full_ms))
        end
    end
end
return waits
