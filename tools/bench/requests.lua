-- What wrk sends for `cargo xtask bench`: requests drawn at random from a file, of which each line holds a method, a path,
-- a token and a body, with tabs in between. Its own arguments, behind `--`: the file, a seed, the statuses that answers
-- may have (such as 200,201), and `strict`, if each status is to be checked. wrk by itself counts what is 400 or more;
-- looking at each answer costs so much that only the time before a measurement is strict.

local prepared = {}
local threads = {}
-- Global, so that the thread that sums up can read it.
unexpected = 0

function setup(thread)
  threads[#threads + 1] = thread
end

local function prepare(line)
  local method, path, token, body = line:match("^([^\t]+)\t([^\t]+)\t([^\t]+)\t(.*)$")
  local headers = { Authorization = "Bearer " .. token }
  if body == "" then
    return wrk.format(method, path, headers)
  end
  headers["Content-Type"] = "application/json"
  return wrk.format(method, path, headers, body)
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    prepared[#prepared + 1] = prepare(line)
  end
  math.randomseed(tonumber(arguments[2]))
  if arguments[4] == "strict" then
    local allowed = {}
    for status in arguments[3]:gmatch("%d+") do
      allowed[tonumber(status)] = true
    end
    -- wrk reads headers and bodies for us only where this function exists.
    function response(status)
      if not allowed[status] then
        unexpected = unexpected + 1
      end
    end
  end
end

function request()
  return prepared[math.random(#prepared)]
end

function done(summary, latency)
  local found, errors = 0, summary.errors
  for _, thread in ipairs(threads) do
    found = found + thread:get("unexpected")
  end
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"unexpected":%d,"socket":%d,"timeout":%d,"p50":%d,"p95":%d,"p99":%d}\n',
    summary.requests, summary.duration, math.max(found, errors.status), errors.connect + errors.read + errors.write,
    errors.timeout, latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
