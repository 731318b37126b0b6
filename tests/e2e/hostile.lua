-- wrk: requests that no provider makes, each with a number and a token in every place that a careless
-- line of code might log. No HEAD: wrk would wait for the body. arguments: NUMBER TOKEN PATH...
local methods = { "POST", "GET", "PUT", "DELETE", "OPTIONS", "BREW" }
local types = { "application/x-www-form-urlencoded", "application/json", "text/plain", "text/xml",
                "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16" }

function init(arguments)
  number, token = arguments[1], arguments[2]
  paths = {}
  for n = 3, #arguments do paths[#paths + 1] = arguments[n] end
  math.randomseed(25)
end

local function any(list) return list[math.random(#list)] end

-- What breaks out of lines, formats, queries and encodings.
local function poison()
  local word = math.random(2) == 1 and number or token
  return any({ word, word .. "%0d%0aerror%20forged%20n=1", "%25s%25n" .. word, "{" .. word .. "}", word .. "%00",
               "%ff%fe" .. word, "%" .. word, word .. string.rep("%f0%9f%98%80", 40), "=" .. word .. "&&=" })
end

function request()
  local path = any(paths)
  local choice = math.random(4)
  if choice == 1 then path = path .. poison() end
  if choice == 2 then path = "/" .. token .. "/" .. poison() end
  if math.random(2) == 1 then path = path .. "?to=" .. poison() .. "&id=" .. poison() .. "&" .. poison() end
  -- A sender that is none, so that nothing of this is a text.
  local body = any({ "from=%2B&text=" .. poison() .. "&id=" .. poison(), '{"from":"' .. number, "<" .. token,
                     poison(), "from=" .. number, string.rep(token .. "&", 200) })
  return wrk.format(any(methods), path,
    { ["Content-Type"] = any(types), ["X-Kannel-From"] = "+", ["X-Kannel-SMSC"] = token, ["User-Agent"] = number .. "\t" .. token,
      ["X-Twilio-Signature"] = token, ["Idempotency-Key"] = token, ["If-Match"] = number,
      ["Ishara-Signature"] = "kid=" .. number .. ", time=" .. number .. ", nonce=" .. token .. ", sig=" .. token }, body)
end

function done(summary)
  io.write(string.format("RESULT %d\n", summary.requests))
end
