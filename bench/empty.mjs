// An empty Worker, from which cold starts are counted.

export default { fetch: () => new Response('ok') };
