-- wrk's requests: POST of one job, or of a batch, with object_ids that count up.
-- Arguments: the first object_id, jobs a request. At the end a line "figures {...}" says how it went.
local object, batch
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

function init(args)
  object, batch = tonumber(args[1]), tonumber(args[2])
end

local function job()
  object = object + 1
  return string.format('{"object_id":%d}', object)
end

function request()
  if batch == 1 then
    return wrk.format(nil, nil, nil, job())
  end
  local jobs = {}
  for i = 1, batch do
    jobs[i] = job()
  end
  return wrk.format(nil, nil, nil, "[" .. table.concat(jobs, ",") .. "]")
end

function done(summary, latency)
  local e = summary.errors
  print(string.format('figures {"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"refused":%d}', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
