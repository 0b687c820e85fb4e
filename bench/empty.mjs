// An empty Worker, the baseline of cold starts.

export default { fetch: () => new Response('ok') };
