//! Counts requests for `--profile`, since each request takes time and costs money on AWS.

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

use smelt_common::profile;

/// Counts requests by method, every attempt of them, and answers by status.
#[derive(Debug)]
pub(super) struct Count;

impl Intercept for Count {
    fn name(&self) -> &'static str {
        "Count"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let lists = request.uri().split_once('?').is_some_and(|(_, query)| query.contains("list-type="));
        let verb = if lists { "LIST" } else { request.method() };
        profile::count("request", verb, request.body().content_length().unwrap_or(0));
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        // The bytes are those of the body, not those of an object that HEAD asks about.
        let bytes = answer.body().content_length().unwrap_or(0);
        profile::count("answer", answer.status().as_u16().to_string().as_str(), bytes);
        Ok(())
    }
}
