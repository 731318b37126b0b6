-- wrk: one new text a request, from a number of its own, as Kannel posts it.
-- arguments: PATH SEED [PAUSE]; the seed ends in the number of the run, which gives it phones of its
-- own: a second text of a phone would join its first report. With PAUSE (milliseconds between the requests of a connection) the
-- load is offered at a rate instead of as fast as it goes.
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  path, seed, pause = arguments[1], arguments[2], tonumber(arguments[3] or 0)
  run = tonumber(seed:match("%d+$"))
  sent = 0
  -- Random pauses: one commit answers many connections at once, and equal pauses would then keep
  -- them in step for ever, as no crowd of phones does.
  math.randomseed(os.time() + number)
  if pause > 0 then delay = function() return math.random(2 * pause) end end
end

function request()
  sent = sent + 1
  local id = string.format("%s-%d-%d", seed, number, sent)
  return wrk.format("POST", path .. "?to=2020&id=" .. id,
    { ["Content-Type"] = 'text/plain; charset="UTF-8"',
      ["X-Kannel-From"] = string.format("999%02d%01d%07d", run % 100, number, sent) },
    "Two girls are held at the farm behind the market, they took the papers " .. id)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %f %f %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
