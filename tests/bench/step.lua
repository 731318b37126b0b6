-- wrk: the steps of dialogues that store nothing, as Africa's Talking posts them: a phone dials, and
-- answers with what says nothing. arguments: PATH SEED [PAUSE], as of text.lua.
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  path, seed, pause = arguments[1], arguments[2], tonumber(arguments[3] or 0)
  sent = 0
  math.randomseed(os.time() + number)
  if pause > 0 then delay = function() return math.random(2 * pause) end end
end

function request()
  local session = math.floor(sent / 2)
  local answer = sent % 2 == 0 and "" or "7"
  sent = sent + 1
  return wrk.format("POST", path, { ["Content-Type"] = "application/x-www-form-urlencoded" },
    string.format("sessionId=%s-%d-%d&phoneNumber=%%2B999%d%07d&serviceCode=%%2A384%%2A2020%%23&text=%s",
      seed, number, session, number, session, answer))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %f %f %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
