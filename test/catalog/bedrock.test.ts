import { describe, expect, it } from 'vitest';
import { type CatalogOffer, models } from '../../src/catalog/index.ts';
import { upstreamId } from '../support/providers.ts';

const offerOf = (model: string): CatalogOffer => {
  const offer = models()
    .find(({ id }) => id === model)
    ?.offers.find(({ provider }) => provider === 'bedrock');
  if (!offer) throw new Error(`no offer of ${model} on Bedrock`);
  return offer;
};

describe('the id to use in a Bedrock region', () => {
  it.each([
    // On demand only.
    ['llama-3-8b-instruct', 'us-east-1', 'meta.llama3-8b-instruct-v1:0'],
    ['llama-3-8b-instruct', 'ap-south-1', 'meta.llama3-8b-instruct-v1:0'],
    ['mixtral-8x7b-instruct-v0.1', 'eu-west-3', 'mistral.mixtral-8x7b-instruct-v0:1'],
    // Both: the bare id where the region has it, which keeps the data there.
    ['llama-3.1-8b-instruct', 'us-west-2', 'meta.llama3-1-8b-instruct-v1:0'],
    ['llama-3.1-8b-instruct', 'us-east-1', 'us.meta.llama3-1-8b-instruct-v1:0'],
    ['llama-3.3-70b-instruct', 'us-east-2', 'meta.llama3-3-70b-instruct-v1:0'],
    ['llama-3.3-70b-instruct', 'us-west-2', 'us.meta.llama3-3-70b-instruct-v1:0'],
    // Profile only.
    ['llama-4-scout', 'us-west-1', 'us.meta.llama4-scout-17b-instruct-v1:0'],
    ['deepseek-r1', 'us-east-1', 'us.deepseek.r1-v1:0'],
    // Several profiles: the nearest, and the one for everywhere where there is no nearer.
    ['kimi-k3', 'us-east-1', 'us.moonshotai.kimi-k3'],
    ['kimi-k3', 'ap-south-1', 'in.moonshotai.kimi-k3'],
    ['kimi-k3', 'eu-central-1', 'global.moonshotai.kimi-k3'],
    ['glm-5.3', 'ap-south-1', 'global.zai.glm-5.3'],
  ])('%s in %s is %s', (model, region, id) => expect(upstreamId(offerOf(model), region)).toEqual({ id }));

  it.each([
    ['llama-3-8b-instruct', 'eu-central-1'],
    ['llama-3.3-70b-instruct', 'eu-west-1'],
    ['llama-4-scout', 'ca-central-1'],
    ['deepseek-r1', 'us-west-1'],
    ['gpt-oss-120b', 'mars-north-1'],
    ['gpt-oss-120b', ''],
  ])('there is none for %s in %j', (model, region) =>
    expect(upstreamId(offerOf(model), region)).not.toHaveProperty('id'),
  );

  it('comes with the regions to choose from, where there is none', () => {
    expect(upstreamId(offerOf('llama-3.3-70b-instruct'), 'eu-west-1')).toEqual({
      reason:
        'Bedrock does not serve meta.llama3-3-70b-instruct-v1:0 from eu-west-1. Set AWS_REGION to one of us-east-1, us-east-2, us-west-2.',
    });
  });

  it('is the bare id where nothing is known of regions: Bedrock will say', () => {
    expect(upstreamId(offerOf('llama-2-70b-chat'), 'us-east-1')).toEqual({ id: 'meta.llama2-70b-chat-v1' });
  });
});

describe('a model with several inference profiles', () => {
  const everywhere = [
    'us-east-1',
    'us-gov-west-1',
    'ca-central-1',
    'eu-west-1',
    'ap-northeast-1',
    'ap-southeast-1',
    'ap-southeast-2',
    'ap-south-1',
    'sa-east-1',
  ];
  const geographies = ['global', 'apac', 'au', 'ca', 'eu', 'in', 'jp', 'us-gov', 'us'];
  const offer: CatalogOffer = {
    ...offerOf('llama-4-scout'),
    profiles: Object.fromEntries(geographies.map((geography) => [`${geography}.meta.x-v1:0`, everywhere])),
  };

  it.each([
    ['us-east-1', 'us'],
    ['us-gov-west-1', 'us-gov'],
    ['ca-central-1', 'ca'],
    ['eu-west-1', 'eu'],
    ['ap-northeast-1', 'jp'],
    ['ap-southeast-2', 'au'],
    ['ap-south-1', 'in'],
    ['ap-southeast-1', 'apac'],
    ['sa-east-1', 'global'],
  ])('is called from %s through the profile of its own geography, %s', (region, geography) => {
    expect(upstreamId(offer, region)).toEqual({ id: `${geography}.meta.x-v1:0` });
  });

  it('is called through another geography where only that one reaches the region', () => {
    const reached = {
      ...offer,
      profiles: { 'us.meta.x-v1:0': ['us-east-1', 'eu-west-1'], 'eu.meta.x-v1:0': ['eu-north-1'] },
    };
    expect(upstreamId(reached, 'eu-west-1')).toEqual({ id: 'us.meta.x-v1:0' });
  });
});
