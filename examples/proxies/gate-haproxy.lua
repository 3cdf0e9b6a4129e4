-- Asks a gate whether a request may pass: `http-request lua.latchkey_gate`, with the gate's address in txn.latchkey_gate.
-- Sets txn.latchkey_passed when it may, and who calls in headers; otherwise answers what the gate said, or leaves the variable unset.

-- In milliseconds. A gate that is silent for so long is asked again, three times, by HAProxy itself; after that it has not said yes.
local timeout = 500

local identity = {
  "x-latchkey-client-id",
  "x-latchkey-scopes",
  "x-latchkey-token-id",
  "x-latchkey-address",
  "x-latchkey-certificate",
}
local handed_on = { "www-authenticate", "content-type", "cache-control", "retry-after", "x-request-id" }

-- Lists of HAProxy begin at 0.
local function lines(list)
  local copied = {}
  if list ~= nil then
    local i = 0
    while list[i] ~= nil do
      copied[#copied + 1] = list[i]
      i = i + 1
    end
  end
  return copied
end

core.register_action("latchkey_gate", { "http-req" }, function(txn)
  local gate = txn:get_var("txn.latchkey_gate")
  local headers = txn.http:req_get_headers()
  local certificate = txn.f:ssl_c_der()
  -- By HTTP/2 every target has scheme and host before the path, and HAProxy hands on the path. By HTTP/1 it hands on what came.
  local target = txn.f:req_ver() == "2.0" and txn.f:pathq() or txn.f:url()
  local asked = {
    ["host"] = { gate },
    ["x-original-method"] = { txn.f:method() },
    ["x-original-uri"] = { target },
    ["x-real-ip"] = { tostring(txn.f:src()) },
    ["x-request-id"] = lines(headers["x-request-id"]),
  }
  -- Every line of it: which of two would count is not for this proxy to say.
  local authorization = lines(headers["authorization"])
  if #authorization > 0 then asked["authorization"] = authorization end
  if certificate ~= nil and certificate ~= "" then asked["x-ssl-client-der"] = { txn.c:base64(certificate) } end

  local answer = core.httpclient():get({ url = "http://" .. gate .. "/check", headers = asked, timeout = timeout })
  if answer == nil or answer.status == nil then return end

  if answer.status == 200 then
    for _, name in ipairs(identity) do
      txn.http:req_set_header(name, lines(answer.headers[name])[1] or "")
    end
    txn:set_var("txn.latchkey_passed", true)
  elseif answer.headers["x-latchkey-problem"] ~= nil then
    -- The gate's own answer, and not what HAProxy says for want of one.
    local reply = txn:reply({ status = answer.status, body = answer.body })
    for _, name in ipairs(handed_on) do
      local value = lines(answer.headers[name])[1]
      if value ~= nil then reply:add_header(name, value) end
    end
    txn:done(reply)
  end
end)
