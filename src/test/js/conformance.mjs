// Runs OpenAI's client against the server at TRIMTAB_URL, which serves the model `demo`. Prints one line of JSON per
// check: {"name": ..., "failure": null or why}.
import assert from 'node:assert/strict'
import OpenAI from 'openai'

const client = new OpenAI({ baseURL: `${process.env.TRIMTAB_URL}/v1`, apiKey: 'unused', maxRetries: 0 })
const question = {
  model: 'demo',
  temperature: 0,
  messages: [{ role: 'user', content: 'What is the capital of Norway?' }],
}
const answer = 'The capital of Norway is Oslo.'

async function refusal(request) {
  try {
    await request
  } catch (error) {
    return error
  }
  assert.fail('a refusal expected')
}

const checks = {
  async chats() {
    const completion = await client.chat.completions.create(question)
    assert.equal(completion.object, 'chat.completion')
    assert.equal(completion.choices[0].message.content, answer)
    assert.equal(completion.choices[0].message.role, 'assistant')
    assert.equal(completion.choices[0].finish_reason, 'stop')
    const { prompt_tokens, completion_tokens, total_tokens } = completion.usage
    assert.equal(total_tokens, prompt_tokens + completion_tokens)
  },

  async streams() {
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let chunks = []
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? ''
      chunks.push(chunk)
    }
    assert.equal(text, answer)
    assert.equal(chunks[0].choices[0].delta.role, 'assistant')
    assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop')
    assert.deepEqual(chunks.at(-1).choices, [])
    assert.ok(chunks.at(-1).usage.completion_tokens > 0)
  },

  async streamsWithTheHelper() {
    const runner = client.chat.completions.stream(question)
    assert.equal(await runner.finalContent(), answer)
  },

  async takesContentAsParts() {
    const completion = await client.chat.completions.create({
      ...question,
      messages: [{ role: 'user', content: [{ type: 'text', text: question.messages[0].content }] }],
    })
    assert.equal(completion.choices[0].message.content, answer)
  },

  async completesText() {
    const completion = await client.completions.create({ model: 'demo', prompt: 'The capital', max_tokens: 2 })
    assert.equal(completion.object, 'text_completion')
    assert.ok(completion.usage.completion_tokens <= 2)
  },

  async reportsLogProbabilities() {
    const request = { ...question, logprobs: true, top_logprobs: 2 }
    const whole = await client.chat.completions.create(request)
    const { content, refusal } = whole.choices[0].logprobs
    assert.equal(refusal, null)
    assert.equal(Buffer.from(content.flatMap(token => token.bytes)).toString(), answer)
    assert.ok(content.every(token => token.logprob <= 0 && token.top_logprobs.length === 2))
    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    assert.deepEqual(streamed.choices[0].logprobs.content, content)
  },

  async echoesAPromptWithItsScores() {
    const prompt = 'The capital of Norway'
    const completion = await client.completions.create({ model: 'demo', prompt, echo: true, logprobs: 1, max_tokens: 1 })
    const { tokens, token_logprobs, top_logprobs, text_offset } = completion.choices[0].logprobs
    assert.ok(completion.choices[0].text.startsWith(prompt))
    assert.equal(token_logprobs[0], null)
    assert.equal(top_logprobs[0], null)
    assert.ok(token_logprobs.slice(1).every(logprob => logprob <= 0))
    assert.equal(tokens.join(''), completion.choices[0].text)
    assert.equal(text_offset[1], tokens[0].length)
    const stream = await client.completions.create({ model: 'demo', prompt, echo: true, logprobs: 1, max_tokens: 1, stream: true })
    let text = ''
    let offsets = []
    for await (const chunk of stream) {
      text += chunk.choices[0].text
      offsets.push(...(chunk.choices[0].logprobs?.text_offset ?? []))
    }
    assert.deepEqual(offsets, text_offset)
    assert.equal(text.slice(0, prompt.length), prompt)
  },

  async aborts() {
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      max_completion_tokens: 900,
      ignore_eos: true,
    })
    let chunks = 0
    for await (const chunk of stream) {
      assert.ok(chunk.id)
      if (++chunks === 5) {
        stream.controller.abort()
        break
      }
    }
    assert.equal(chunks, 5)
  },

  async namesTheUnknownModel() {
    const error = await refusal(client.chat.completions.create({ ...question, model: 'nothing' }))
    assert.ok(error instanceof OpenAI.NotFoundError)
    assert.equal(error.code, 'model_not_found')
    assert.ok(error.requestID)
  },

  async refusesImages() {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
    const error = await refusal(
      client.chat.completions.create({ ...question, messages: [{ role: 'user', content: [image] }] }),
    )
    assert.ok(error instanceof OpenAI.BadRequestError)
    assert.equal(error.param, 'messages[0].content[0].type')
  },

  async refusesLongPrompts() {
    const messages = [{ role: 'user', content: 'Norway '.repeat(5000) }]
    const error = await refusal(client.chat.completions.create({ ...question, messages }))
    assert.equal(error.status, 400)
    assert.equal(error.code, 'context_length_exceeded')
  },

  async listsAndShowsModels() {
    const ids = []
    for await (const model of client.models.list()) {
      ids.push(model.id)
    }
    assert.ok(ids.includes('demo'))
    assert.equal((await client.models.retrieve('demo')).id, 'demo')
    assert.ok((await refusal(client.models.retrieve('nothing'))) instanceof OpenAI.NotFoundError)
  },
}

for (const [name, check] of Object.entries(checks)) {
  let failure = null
  try {
    await check()
  } catch (error) {
    failure = String(error?.stack ?? error)
  }
  console.log(JSON.stringify({ name, failure }))
}
