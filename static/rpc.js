// call asks the server over JSON-RPC, as every other client does.
export async function call(model, method, args, kwargs = {}) {
  const res = await fetch(`/web/dataset/call_kw/${encodeURIComponent(model)}/${encodeURIComponent(method)}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", method: "call", id: 1, params: { model, method, args, kwargs } }),
  });
  const body = await res.json();
  if (body.error) throw new Error(body.error.data?.message || body.error.message);
  return body.result;
}
