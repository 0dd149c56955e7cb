//! Calls that tell which segments a stream has and where they are, and the refused ones about scaling.

use pravega_client_shared::SegmentId;
use pravega_controller_api as api;
use tonic::Status;

use super::{
    catalog::covers,
    changes::Controller,
    convert::{named, node, segment_id, segment_range, unexpected},
    storage::Storage,
    stream::StreamState,
    streams::absent,
};

/// The token that stands for none. Where one is to be given out it is put in its place afterwards.
const NO_TOKEN: String = String::new();

impl<S: Storage> Controller<S> {
    /// The segments that take appends: none once the stream is sealed.
    pub(super) fn handle_get_current_segments(
        &self,
        request: api::StreamInfo,
    ) -> Result<api::SegmentRanges, Status> {
        // The real controller notices an empty name later in this call than in others, with another code.
        let nameless = |_| Status::unknown("a name is empty");
        let (scope, stream) = named(Some(request)).map_err(nameless)?;
        self.look(|catalog| {
            let (name, record) = catalog.stream(&scope, &stream)?;
            let active = record.state == StreamState::Active;
            let segments = record.segments().filter(|_| active);
            Ok(api::SegmentRanges {
                segment_ranges: segments.map(|entry| segment_range(&name, &entry)).collect(),
                delegation_token: NO_TOKEN,
            })
        })
        .map_err(absent)
    }

    /// The segments of an epoch. There is only epoch 0, because nothing is ever scaled.
    pub(super) fn handle_get_epoch_segments(
        &self,
        request: api::GetEpochSegmentsRequest,
    ) -> Result<api::SegmentRanges, Status> {
        let (scope, stream) = named(request.stream_info)?;
        if request.epoch < 0 {
            return Err(unexpected());
        }
        self.look(|catalog| {
            let (name, record) = catalog.stream(&scope, &stream)?;
            let segments = record.segments().map(|entry| segment_range(&name, &entry));
            Ok(segments.collect())
        })
        .map_err(absent)
        .and_then(|segment_ranges| match request.epoch {
            0 => Ok(api::SegmentRanges {
                segment_ranges,
                delegation_token: NO_TOKEN,
            }),
            _ => Err(Status::not_found("no such stream or epoch")),
        })
    }

    /// The segments at the head, with the offsets of the last truncation; the time asked for is ignored.
    pub(super) fn handle_get_segments(
        &self,
        request: api::GetSegmentsRequest,
    ) -> Result<api::SegmentsAtTime, Status> {
        let (scope, stream) = named(request.stream_info)?;
        self.look(|catalog| {
            let (name, record) = catalog.stream(&scope, &stream)?;
            let segments = record
                .segments()
                .map(|entry| api::segments_at_time::SegmentLocation {
                    segment_id: Some(segment_id(&name, entry.id)),
                    offset: i64::try_from(entry.head).unwrap_or(i64::MAX),
                });
            Ok(api::SegmentsAtTime {
                segments: segments.collect(),
                delegation_token: NO_TOKEN,
            })
        })
        .map_err(absent)
    }

    /// The segments that replaced a segment: none, because nothing is ever scaled.
    pub(super) fn handle_get_segments_immediately_following(
        &self,
        request: api::SegmentId,
    ) -> Result<api::SuccessorResponse, Status> {
        let (scope, stream) = named(request.stream_info)?;
        self.look(|catalog| catalog.stream(&scope, &stream).map(drop))
            .map_err(absent)?;
        Ok(api::SuccessorResponse {
            segments: Vec::new(),
            delegation_token: NO_TOKEN,
        })
    }

    /// The one segment store, whether the segment exists or not, as the real controller does.
    pub(super) fn handle_get_uri(&self, request: api::SegmentId) -> Result<api::NodeUri, Status> {
        named(request.stream_info)?;
        Ok(node(&self.store_endpoint))
    }

    /// True for a segment that takes appends.
    pub(super) fn handle_is_segment_valid(
        &self,
        request: api::SegmentId,
    ) -> Result<api::SegmentValidityResponse, Status> {
        let (scope, stream) = named(request.stream_info)?;
        self.look(|catalog| {
            let (_, record) = catalog.stream(&scope, &stream)?;
            let id = SegmentId::from_packed(request.segment_id);
            let response =
                record.state == StreamState::Active && id.is_ok_and(|id| record.has_segment(id));
            Ok(api::SegmentValidityResponse { response })
        })
        .map_err(absent)
    }

    /// True for a cut that names every segment of the stream.
    pub(super) fn handle_is_stream_cut_valid(
        &self,
        request: api::StreamCut,
    ) -> Result<api::StreamCutValidityResponse, Status> {
        let (scope, stream) = named(request.stream_info)?;
        self.look(|catalog| {
            let (_, record) = catalog.stream(&scope, &stream)?;
            let response = covers(record, &request.cut);
            Ok(api::StreamCutValidityResponse { response })
        })
        .map_err(absent)
    }

    /// Never scales: what the real controller says to a set of ranges that does not fit.
    pub(super) fn handle_scale(
        &self,
        request: api::ScaleRequest,
    ) -> Result<api::ScaleResponse, Status> {
        use api::scale_response::ScaleStreamStatus as Outcome;

        let (scope, stream) = named(request.stream_info)?;
        let outcome = match self.look(|catalog| catalog.stream(&scope, &stream).map(drop)) {
            Ok(()) => Outcome::PreconditionFailed,
            Err(_) => Outcome::Failure,
        };
        Ok(api::ScaleResponse {
            status: outcome.into(),
            segments: Vec::new(),
            epoch: 0,
        })
    }

    /// A scale away from the active epoch is always in progress, one away from a later epoch an error.
    pub(super) fn handle_check_scale(
        &self,
        request: api::ScaleStatusRequest,
    ) -> Result<api::ScaleStatusResponse, Status> {
        use api::scale_status_response::ScaleStatus as Outcome;

        let (scope, stream) = named(request.stream_info)?;
        if request.epoch < 0 {
            return Err(unexpected());
        }
        let exists = self.look(|catalog| catalog.stream(&scope, &stream).is_ok());
        let outcome = if exists && request.epoch == 0 {
            Outcome::InProgress
        } else {
            Outcome::InvalidInput
        };
        Ok(api::ScaleStatusResponse {
            status: outcome.into(),
        })
    }

    /// The answer that a token is put into, also for streams that do not exist.
    pub(super) fn handle_get_delegation_token(
        &self,
        _: api::StreamInfo,
    ) -> Result<api::DelegationToken, Status> {
        Ok(api::DelegationToken {
            delegation_token: NO_TOKEN,
        })
    }

    /// Itself, so that addresses of the discovering kind work too.
    pub(super) fn handle_get_controller_server_list(
        &self,
        _: api::ServerRequest,
    ) -> Result<api::ServerResponse, Status> {
        Ok(api::ServerResponse {
            node_uri: vec![node(&self.own_endpoint)],
        })
    }
}
